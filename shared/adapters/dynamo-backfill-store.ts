import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import {
  backfillKey,
  backfillPrefix,
  claimsKey,
  fromBackfillItem,
  fromClaimsItem,
  toBackfillItem,
  toClaimsItem,
} from '../contracts/backfill-items.ts';
import { experimentKey } from '../contracts/registry-items.ts';
import type { BackfillStore, ClaimStore } from '../domain/backfilling/ports.ts';
import { isApplied } from './dynamo-conditional.ts';
import { queryItems } from './dynamo-query.ts';

/** Backfills and their claims, in the registry beside what they run. */
export function dynamoBackfillStore(client: DynamoDBClient, table: string): BackfillStore & ClaimStore {
  async function read(key: Record<string, string>): Promise<Record<string, unknown> | undefined> {
    const get = new GetItemCommand({ TableName: table, Key: marshall(key), ConsistentRead: true });
    const { Item } = await client.send(get);
    return Item && unmarshall(Item);
  }

  /** Writes an item of a revision if the one before it is there. */
  function write(item: Record<string, unknown>, revision: number): Promise<boolean> {
    const before =
      revision === 1
        ? { ConditionExpression: 'attribute_not_exists(pk)' }
        : {
            ConditionExpression: 'revision = :before',
            ExpressionAttributeValues: marshall({ ':before': revision - 1 }),
          };
    const Item = marshall(item, { removeUndefinedValues: true });
    return isApplied(client.send(new PutItemCommand({ TableName: table, Item, ...before })));
  }

  return {
    async get(backfill) {
      const item = await read(backfillKey(backfill));
      return item && fromBackfillItem(item);
    },

    create: (backfill) => write(toBackfillItem({ ...backfill, revision: 1 }), 1),
    replace: (backfill) => write(toBackfillItem(backfill), backfill.revision),

    async list(experimentId) {
      const pk = experimentKey(experimentId);
      const items = await queryItems(client, { table, pk, prefix: backfillPrefix, consistent: true });
      return items.map(fromBackfillItem).toSorted((a, b) => b.createdAt - a.createdAt);
    },

    async readClaims(experimentId) {
      return fromClaimsItem(experimentId, await read(claimsKey(experimentId)));
    },

    replaceClaims: (book) => write(toClaimsItem(book), book.revision),
  };
}
