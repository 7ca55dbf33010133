import { type DynamoDBClient, GetItemCommand, PutItemCommand, paginateQuery } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { fromSliceItem, sliceKey, slicesKey, toSliceItem } from '../contracts/backfill-items.ts';
import type { SliceProgressStore } from '../domain/backfilling/ports.ts';
import type { Clock } from '../domain/ports.ts';

/** How far the slices of backfills are, in the traces table, whose items expire. */
export function dynamoSliceProgress(
  client: DynamoDBClient,
  table: string,
  { retentionDays, now }: { retentionDays: number; now: Clock },
): SliceProgressStore {
  return {
    async get(backfillId, sliceId) {
      const Key = marshall(sliceKey(backfillId, sliceId));
      const { Item } = await client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }));
      return Item && fromSliceItem(unmarshall(Item));
    },

    async put(backfillId, progress) {
      const Item = marshall(toSliceItem(backfillId, progress, { retentionDays, now: now() }));
      await client.send(new PutItemCommand({ TableName: table, Item }));
    },

    async *list(backfillId) {
      const pages = paginateQuery(
        { client },
        {
          TableName: table,
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: marshall({ ':pk': slicesKey(backfillId) }),
          ConsistentRead: true,
        },
      );
      for await (const { Items = [] } of pages) for (const item of Items) yield fromSliceItem(unmarshall(item));
    },
  };
}
