import { once } from 'node:events';
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { CreateTableCommand, DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { dynamoKeyStore } from '../../../shared/adapters/dynamo-key-store.ts';
import type { ApiKey } from '../../../shared/domain/api-key.ts';

// dynalite has no types.
const dynalite = createRequire(import.meta.url)('dynalite') as (options: { createTableMs: number }) => Server;

const table = 'registry';
let server: Server;
let client: DynamoDBClient;

beforeAll(async () => {
  server = dynalite({ createTableMs: 0 });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const credentials = { accessKeyId: 'x', secretAccessKey: 'x' };
  client = new DynamoDBClient({ endpoint: `http://127.0.0.1:${port}`, region: 'us-east-1', credentials });
  await client.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'S' },
      ],
    }),
  );
  await vi.waitFor(() => dynamoKeyStore(client, table).get('none'));
});

afterAll(() => {
  client.destroy();
  server.close();
});

const hash = 'ab'.repeat(32);
const key: ApiKey = { role: 'ingest', experimentIds: ['7', '12'], name: 'ci', createdAt: 1_700_000_000_000 };

test('finds a key by its hash as it was put', async () => {
  const keys = dynamoKeyStore(client, table);
  await keys.put(hash, key);
  expect(await keys.get(hash)).toEqual(key);
  const admin: ApiKey = { ...key, role: 'admin', experimentIds: [] };
  await keys.put(hash, admin);
  expect(await keys.get(hash)).toEqual(admin);
});

test('knows nothing of other keys', async () => {
  expect(await dynamoKeyStore(client, table).get('cd'.repeat(32))).toBeUndefined();
});

test('keeps the key under its hash in the registry, with a format version', async () => {
  await dynamoKeyStore(client, table).put(hash, key);
  const Key = { pk: { S: `key#${hash}` }, sk: { S: 'key' } };
  const { Item } = await client.send(new GetItemCommand({ TableName: table, Key }));
  expect(Item).toMatchObject({ v: { N: '1' }, role: { S: 'ingest' }, experimentIds: { L: [{ S: '7' }, { S: '12' }] } });
});
