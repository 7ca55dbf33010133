import { DeleteItemCommand, type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod';
import { type ApiKey, roles } from '../domain/api-key.ts';
import type { KeyStore } from '../domain/ports.ts';
import { batchGet } from './dynamo-batch.ts';
import { queryItems } from './dynamo-query.ts';

const keyItem = z.object({
  v: z.literal(1),
  role: z.enum(roles),
  experimentIds: z.array(z.string()),
  name: z.string(),
  rateLimit: z.number().optional(),
  createdAt: z.number(),
});

/** The partition that names every key by its hash, so that listing them does not scan the table. */
const listed = 'keys';

/**
 * API keys in the registry table, by hash: whoever reads the table cannot use them. A key is named in the list before it works and
 * until it no longer does: wherever a writer dies, no key works that is not listed. What it may do stands in its own item alone.
 */
export function dynamoKeyStore(client: DynamoDBClient, table: string): KeyStore {
  const put = (item: Record<string, unknown>) =>
    client.send(new PutItemCommand({ TableName: table, Item: marshall(item, { removeUndefinedValues: true }) }));
  const remove = (key: Key) => client.send(new DeleteItemCommand({ TableName: table, Key: marshall(key) }));

  return {
    async get(keyHash): Promise<ApiKey | undefined> {
      const Key = marshall(primaryKey(keyHash));
      // Consistent: a key works as soon as it has been made.
      const { Item } = await client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }));
      return Item && toKey(unmarshall(Item));
    },

    async put(keyHash, key) {
      const item: z.input<typeof keyItem> = { v: 1, ...key, experimentIds: [...key.experimentIds] };
      await put({ pk: listed, sk: keyHash, v: 1 });
      await put({ ...primaryKey(keyHash), ...item });
    },

    async list() {
      const hashes = await queryItems(client, { table, pk: listed, consistent: true });
      const keys = hashes.map(({ sk }) => marshall(primaryKey(String(sk))));
      const items = (await batchGet(client, { table, keys, consistent: true })).map((item) => unmarshall(item));
      return items
        .map((item) => ({ ...toKey(item), hash: String(item.pk).slice('key#'.length) }))
        .toSorted((a, b) => a.createdAt - b.createdAt || (a.hash < b.hash ? -1 : 1));
    },

    async remove(keyHash) {
      await remove(primaryKey(keyHash));
      await remove({ pk: listed, sk: keyHash });
    },
  };
}

interface Key {
  readonly pk: string;
  readonly sk: string;
}

function primaryKey(keyHash: string): Key {
  return { pk: `key#${keyHash}`, sk: 'key' };
}

function toKey(item: Record<string, unknown>): ApiKey {
  const { v: _, ...key } = keyItem.parse(item);
  return key;
}
