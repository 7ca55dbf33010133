import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod';
import { type ApiKey, roles } from '../domain/api-key.ts';
import type { KeyStore } from '../domain/ports.ts';

const keyItem = z.object({
  v: z.literal(1),
  role: z.enum(roles),
  experimentIds: z.array(z.string()),
  name: z.string(),
  createdAt: z.number(),
});

/** API keys in the registry table, by hash: whoever reads the table cannot use them. */
export function dynamoKeyStore(client: DynamoDBClient, table: string): KeyStore {
  return {
    async get(keyHash): Promise<ApiKey | undefined> {
      const Key = marshall(primaryKey(keyHash));
      // Consistent: a key works as soon as it has been made.
      const { Item } = await client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }));
      if (!Item) return undefined;
      const { v: _, ...key } = keyItem.parse(unmarshall(Item));
      return key;
    },

    async put(keyHash, key) {
      const item: z.input<typeof keyItem> = { v: 1, ...key, experimentIds: [...key.experimentIds] };
      await client.send(new PutItemCommand({ TableName: table, Item: marshall({ ...primaryKey(keyHash), ...item }) }));
    },
  };
}

function primaryKey(keyHash: string): { pk: string; sk: string } {
  return { pk: `key#${keyHash}`, sk: 'key' };
}
