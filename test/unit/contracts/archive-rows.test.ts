import { describe, expect, it } from 'vitest';
import { spanColumns } from '../../../shared/contracts/archive-columns.ts';
import { rowText, spanRow } from '../../../shared/contracts/archive-rows.ts';
import type { Span } from '../../../shared/domain/span.ts';
import { aSpanWithFacts } from '../../support/builders/a-span.ts';

const rowOf = (given: Partial<Span> = {}, isForeign = false) =>
  spanRow({ ...aSpanWithFacts(given), sizeBytes: 99, experimentId: '7', isForeign });

describe('the row of a span', () => {
  it('holds a large text once', () => {
    const row = rowOf({ attributes: { 'input.value': 'long', other: 1 } });
    expect(row).toMatchObject({ inputs: 'long', inputs_attribute: 'input.value', attributes: '{"other":1}' });
  });

  it('says of a foreign span alone that it is one', () => {
    expect([rowOf().is_foreign, rowOf({}, true).is_foreign]).toEqual([undefined, true]);
  });

  it('has only columns of the table', () => {
    expect(Object.keys(rowOf()).filter((name) => !(name in spanColumns))).toEqual([]);
  });

  it('writes 64-bit times as exact integers', () => {
    const text = rowText(rowOf());
    expect(text).toContain('"start_time_unix_nano":1795223374000000001,');
    expect(JSON.parse(text)).toMatchObject({ size_bytes: 99 });
  });

  it('leaves out what has no value', () => {
    expect(JSON.parse(rowText(rowOf({ endTimeUnixNano: 0n })))).not.toHaveProperty('end_time');
  });
});
