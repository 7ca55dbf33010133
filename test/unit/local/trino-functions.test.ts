import { afterAll, beforeAll, expect, it } from 'vitest';
import { openWarehouse, type Warehouse } from '../../../local/services/warehouse.ts';

let warehouse: Warehouse;
beforeAll(async () => {
  warehouse = await openWarehouse(undefined);
});
afterAll(() => warehouse.close());

it.each([
  [`json_extract_scalar('{"a":{"b":1}}', '$.a.b')`, '1'],
  [`json_extract_scalar('{"a":{"b":1}}', '$.a')`, null],
  [`json_extract_scalar('no json', '$.a')`, null],
  ["date_format(TIMESTAMP '2026-01-02 03:04:05', '%Y-%m-%d %H:%i:%s')", '2026-01-02 03:04:05'],
  ["date_format(from_unixtime(0), '%M %W')", 'January Thursday'],
  ["element_at(ARRAY['a', 'b'], 2)", 'b'],
  ["element_at(ARRAY['a', 'b'], 3)", null],
  ["element_at(MAP {'a': 'b'}, 'a')", 'b'],
  ["cardinality(ARRAY['a', 'b'])", '2'],
  ["regexp_like('abc', '^.b')", true],
  ['approx_percentile(1, 0.5)', 1],
  [
    "to_hex(sha256(from_hex('6100') || to_utf8('b')))",
    '59B271AE1BBCB1D31D41929817F4B16FB439EB4F31520B5AD1D5CE98920A7138',
  ],
  ["CAST(round(to_unixtime(TIMESTAMP '2026-01-02 03:04:05.678') * 1000) AS bigint)", '1767323045678'],
  ["from_base('fF0a', 16)", '65290'],
  ["array_join(ARRAY['a', 'b'], '+')", 'a+b'],
  ["date_add('day', -1, TIMESTAMP '2026-01-02 03:04:05')", '2026-01-01 03:04:05'],
])('%s is %j, as it is in Trino', async (expression, expected) => {
  const reader = await warehouse.connection.runAndReadAll(`SELECT ${expression}`);
  expect(reader.getRowsJson()).toEqual([[expected]]);
});
