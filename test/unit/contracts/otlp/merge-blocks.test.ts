import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeTracesData } from '../../../../shared/contracts/otlp/decode-spans.ts';
import { MalformedOtlpError } from '../../../../shared/contracts/otlp/malformed-otlp-error.ts';
import { mergeTracesData } from '../../../../shared/contracts/otlp/merge-blocks.ts';
import { anOtlpRequest, type WireGroup } from '../../../support/an-otlp-request.ts';

/** Few ids, times and names, so that versions of a span collide in every way. */
const span = fc.record({
  spanId: fc.constantFrom('01', '02', '03', 'ff').map((byte) => byte.repeat(8)),
  start: fc.constantFrom(1n, 2n, 2n ** 63n),
  end: fc.constantFrom(0n, 5n, 2n ** 63n),
  name: fc.constantFrom('a', 'b', 'long'),
});
const group = fc.record({
  service: fc.constantFrom('one', 'two'),
  scope: fc.constantFrom('x', 'y'),
  spans: fc.array(span, { maxLength: 4 }),
});
const block = fc.array(group, { maxLength: 3 }).map((groups) => anOtlpRequest(...groups));
const blocks = fc.array(block, { maxLength: 4 });

const spansOf = (bytes: Uint8Array) => decodeTracesData(bytes).map(({ span: decoded }) => decoded);
const oneSpan = (over: WireGroup['spans'][number]) => anOtlpRequest({ spans: [over] });

describe('mergeTracesData', () => {
  test('does not depend on the order of the blocks', () => {
    const shuffled = blocks.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length, maxLength: list.length })),
    );
    fc.assert(
      fc.property(shuffled, ([list, other]) => {
        expect(mergeTracesData(other)).toEqual(mergeTracesData(list));
      }),
    );
  });

  test('gives the same bytes when a merged block is merged again, alone or with what it was made of', () => {
    fc.assert(
      fc.property(blocks, (list) => {
        const merged = mergeTracesData(list);
        expect(mergeTracesData([merged])).toEqual(merged);
        expect(mergeTracesData([...list, merged])).toEqual(merged);
      }),
    );
  });

  test('is associative: blocks may be merged in several steps', () => {
    fc.assert(
      fc.property(blocks, blocks, (some, others) => {
        const stepwise = mergeTracesData([mergeTracesData(some), mergeTracesData(others)]);
        expect(stepwise).toEqual(mergeTracesData([...some, ...others]));
      }),
    );
  });

  test('holds each span id of the blocks once', () => {
    fc.assert(
      fc.property(blocks, (list) => {
        const ids = spansOf(mergeTracesData(list)).map(({ spanId }) => spanId);
        expect(ids.toSorted()).toEqual([...new Set(list.flatMap(spansOf).map(({ spanId }) => spanId))].toSorted());
      }),
    );
  });

  test.each([
    ['the one that ended later', { end: 9n, name: 'z' }, { end: 10n, name: 'a' }],
    ['the later one also beyond 2^63', { end: 2n ** 63n - 1n }, { end: 2n ** 63n }],
    ['of the same end the longer', { name: 'zz' }, { name: 'aaa' }],
    ['of the same length the greater bytes', { name: 'a' }, { name: 'b' }],
  ])('keeps %s of two versions of a span', (_, loser, winner) => {
    const expected = spansOf(oneSpan(winner));
    expect(spansOf(mergeTracesData([oneSpan(loser), oneSpan(winner)]))).toEqual(expected);
    expect(spansOf(mergeTracesData([oneSpan(winner), oneSpan(loser)]))).toEqual(expected);
  });

  test('sorts by start time, then span id, and groups by resource and scope', () => {
    const late = {
      service: 'b',
      spans: [
        { spanId: '01'.repeat(8), start: 9n },
        { spanId: '04'.repeat(8), start: 2n },
      ],
    };
    const early = {
      service: 'a',
      spans: [
        { spanId: '03'.repeat(8), start: 1n },
        { spanId: '02'.repeat(8), start: 1n },
      ],
    };
    const merged = spansOf(mergeTracesData([anOtlpRequest(late), anOtlpRequest(early)]));
    expect(merged.map(({ spanId }) => spanId.slice(0, 2))).toEqual(['02', '03', '04', '01']);
  });

  test('is empty where there are no spans', () => {
    expect(mergeTracesData([])).toHaveLength(0);
    expect(mergeTracesData([anOtlpRequest({ spans: [] })])).toHaveLength(0);
  });

  test('says of bytes that are no block that they are malformed', () => {
    expect(() => mergeTracesData([Buffer.from('0aff', 'hex')])).toThrow(MalformedOtlpError);
  });

  test('merges 33,000 blocks of one span', () => {
    const list = Array.from({ length: 33_000 }, (_, i) =>
      oneSpan({ spanId: (i + 1).toString(16).padStart(16, '0'), start: BigInt((i * 7919) % 33_000) }),
    );
    const merged = spansOf(mergeTracesData(list));
    expect(merged).toHaveLength(33_000);
    expect(merged[0]?.startTimeUnixNano).toBe(0n);
    expect(merged.at(-1)?.startTimeUnixNano).toBe(32_999n);
  });
});
