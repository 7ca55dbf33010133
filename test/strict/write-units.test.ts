import {
  type AttributeValue,
  DescribeTableCommand,
  DynamoDBClient,
  type KeySchemaElement,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dynamoTraceIndex } from '../../shared/adapters/dynamo-trace-index.ts';
import { toInfoItem } from '../../shared/contracts/trace-item.ts';
import type { TraceInfo } from '../../shared/domain/trace.ts';
import { itemSize, type WireItem } from '../bench/item-size.ts';
import { type TableKeys, writeUnits } from '../bench/write-units.ts';
import { startDynamoDBLocal } from '../engines/dynamodb-local.ts';
import type { Engine } from '../engines/engine-process.ts';
import { aTraceInfo, noon, typicalFacts } from '../support/builders/a-trace-info.ts';
import { totalOf, unitsOfDelete, unitsOfInsert, unitsOfPut } from '../support/consumed-write-units.ts';
import { createTables } from '../support/dynamo-tables.ts';
import { localCredentials } from '../support/local-credentials.ts';

const retentionDays = 30;
let engine: Engine;
let client: DynamoDBClient;
let table: string;

beforeAll(async () => {
  engine = await startDynamoDBLocal();
  client = new DynamoDBClient({ endpoint: engine.endpoint, ...localCredentials });
  table = (await createTables(client)).traces;
});

afterAll(async () => {
  client?.destroy();
  await engine?.stop();
});

const keyOf = ({ traceId }: TraceInfo) => ({ pk: { S: traceId }, sk: { S: 'info' } });
const itemOf = (info: TraceInfo) =>
  marshall(toInfoItem(info, { retentionDays }), { removeUndefinedValues: true }) as WireItem &
    Record<string, AttributeValue>;

async function founded(given: Parameters<typeof aTraceInfo>[0]): Promise<TraceInfo> {
  const info = aTraceInfo(given);
  await dynamoTraceIndex(client, table, { retentionDays }).foundTraces([info]);
  return info;
}

test('founding a trace of usual size costs three write units', async () => {
  const info = await founded({ facts: typicalFacts });
  expect(itemSize(itemOf(info))).toBeGreaterThan(1_024);
  expect(itemSize(itemOf(info))).toBeLessThan(2_048);
  expect(await unitsOfInsert(client, table, keyOf(info))).toEqual({ table: 2, 'by-time': 1 });
});

test('a session and a client request id cost one write unit more each', async () => {
  const info = await founded({ facts: { ...typicalFacts, sessionId: 'session-9f2c', clientRequestId: 'request-77' } });
  expect(itemSize(itemOf(info))).toBeLessThan(2_048);
  const units = await unitsOfInsert(client, table, keyOf(info));
  expect(units).toEqual({ table: 2, 'by-time': 1, 'by-session': 1, 'by-client-request': 1 });
});

test('replacing an info writes to the index of open work alone, besides the table', async () => {
  const { dueAt: _, ...info } = await founded({ facts: typicalFacts, dueAt: noon });
  expect(await unitsOfPut(client, table, itemOf({ ...info, revision: 2 }))).toMatchObject({ table: 2, 'open-work': 1 });
  const units = await unitsOfPut(client, table, itemOf({ ...info, revision: 3 }));
  expect(totalOf(units), 'where nothing is due').toBe(2);
});

test("the bench's calculator counts what DynamoDB Local consumes", async () => {
  const keys = await keysOf(table);
  const item = fc.option(anItem(), { nil: undefined });
  await fc.assert(
    fc.asyncProperty(item, item, async (before, after) => {
      const key = { pk: { S: 'tr-calculated' }, sk: { S: 'info' } };
      await unitsOfDelete(client, table, key);
      if (before) await unitsOfPut(client, table, { ...before, ...key });
      const units = after
        ? await unitsOfPut(client, table, { ...after, ...key })
        : await unitsOfDelete(client, table, key);
      const [old, fresh] = [before, after].map((given) => given && ({ ...given, ...key } as WireItem));
      expect(totalOf(units)).toBe(writeUnits({ before: old, after: fresh }, keys));
    }),
    { numRuns: 150 },
  );
});

/** Items of sizes about whole KB, with and without the keys of the indexes, of every type that the adapters write. */
function anItem(): fc.Arbitrary<Record<string, AttributeValue>> {
  const text = (prefix: string) => fc.constantFrom('a', 'b').map((end) => ({ S: `${prefix}-${end}` }));
  const pair = (pk: string, sk: string, sortKey: fc.Arbitrary<AttributeValue>) =>
    fc
      .option(fc.tuple(text(pk), sortKey), { nil: undefined })
      .map((both) => (both ? { [pk]: both[0], [sk]: both[1] } : {}));
  const body = fc.record({
    text: fc.integer({ min: 0, max: 2_300 }).map((length) => ({ S: 'ä'.repeat(length) })),
    number: fc
      .oneof(
        fc.maxSafeInteger(),
        fc.integer().map((millionths) => millionths / 1e6),
      )
      .map((n) => ({ N: String(n) })),
    facts: fc.constant({
      M: { list: { L: [{ S: 'x' }, { BOOL: true }, { NULL: true }] }, empty: { M: {} } },
    } as AttributeValue),
  });
  return fc
    .tuple(
      body,
      pair('timePk', 'timeSk', text('time')),
      pair('sessionPk', 'sessionSk', text('session')),
      pair('openWorkPk', 'dueAt', fc.constantFrom({ N: '1780315200000' }, { N: '7' })),
    )
    .map(([base, ...indexed]) => Object.assign({}, base, ...indexed));
}

async function keysOf(name: string): Promise<TableKeys> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName: name }));
  const pair = (schema: KeySchemaElement[] = []) => ({
    partitionKey: schema.find(({ KeyType }) => KeyType === 'HASH')?.AttributeName ?? '',
    sortKey: schema.find(({ KeyType }) => KeyType === 'RANGE')?.AttributeName ?? '',
  });
  return {
    ...pair(Table?.KeySchema),
    indexes: (Table?.GlobalSecondaryIndexes ?? []).map(({ IndexName = '', KeySchema }) => ({
      name: IndexName,
      ...pair(KeySchema),
    })),
  };
}
