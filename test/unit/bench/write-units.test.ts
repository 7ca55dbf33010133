import { describe, expect, it } from 'vitest';
import { otlpJsonToProtobuf } from '../../../shared/contracts/otlp/from-json.ts';
import { walkTracesRequest } from '../../../shared/contracts/otlp/walk-request.ts';
import { itemSize, type WireItem } from '../../bench/item-size.ts';
import { ownRequest } from '../../bench/own-generator.ts';
import { writeUnits } from '../../bench/write-units.ts';

const table = { partitionKey: 'pk', sortKey: 'sk', indexes: [{ name: 'by-is', partitionKey: 'ip', sortKey: 'is' }] };
const item = (more: WireItem = {}): WireItem => ({ pk: { S: 'a' }, sk: { S: 'b' }, ...more });
const indexed = (sort: string) => item({ ip: { S: 'x' }, is: { S: sort } });

describe('the size of an item', () => {
  it.each<[string, WireItem, number]>([
    ['names and texts in UTF-8', { name: { S: 'é' } }, 4 + 2],
    ['a number: a byte per two digits, and one', { n: { N: '1795223374621' } }, 1 + 7 + 1],
    ['zeros at its end do not count', { n: { N: '1000' } }, 1 + 1 + 1],
    ['a sign does', { n: { N: '-12' } }, 1 + 1 + 1 + 1],
    ['true and null', { t: { BOOL: true }, z: { NULL: true } }, 2 + 2],
    ['a list: three, and one for each member', { l: { L: [{ S: 'ab' }, { S: 'c' }] } }, 1 + 3 + (1 + 2) + (1 + 1)],
    ['a map: the same with its names', { m: { M: { key: { S: 'v' } } } }, 1 + 3 + 1 + 3 + 1],
  ])('counts %s', (_, given, bytes) => {
    expect(itemSize(given)).toBe(bytes);
  });
});

describe('the write units', () => {
  it.each([
    ['of a small item', { after: item() }, 1],
    ['of 1 KB and a byte', { after: item({ t: { S: 'x'.repeat(1024 - 6 + 1) } }) }, 2],
    ['of the larger of what was and what is', { before: item({ t: { S: 'x'.repeat(3000) } }), after: item() }, 3],
    ['of one that enters an index', { after: indexed('1') }, 2],
    ['of one that stays where it is in the index', { before: indexed('1'), after: indexed('1') }, 1],
    ['of one that moves in the index', { before: indexed('1'), after: indexed('2') }, 3],
    ['of one that leaves the index', { before: indexed('1'), after: item() }, 2],
  ])('%s are %j → %d', (_, write, units) => {
    expect(writeUnits(write, table)).toBe(units);
  });
});

it('makes bodies of its own where the shared ones are not at hand, of about the size asked for', () => {
  const { body } = otlpJsonToProtobuf(JSON.stringify(ownRequest({ first: 0, traces: 20, bytes: 20_000 })));
  const { traces, spanCount, refused } = walkTracesRequest(body);
  expect([traces.length, spanCount, refused]).toEqual([20, 100, []]);
  expect(body.length / 20).toBeGreaterThan(16_000);
  expect(body.length / 20).toBeLessThan(24_000);
});
