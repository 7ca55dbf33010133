import { type DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { openWorkShardKey } from '../contracts/trace-item.ts';
import type { OpenWorkKind } from '../domain/open-work.ts';
import type { Item } from './dynamo-batch.ts';

/** Reads the `open-work` index of the traces table, most overdue first: an item stands on it only while something is due. */
export function dynamoOpenWork(client: DynamoDBClient, table: string) {
  return async function listDue(
    kind: OpenWorkKind,
    shard: number,
    { now, limit }: { now: number; limit: number },
  ): Promise<readonly Item[]> {
    const { Items = [] } = await client.send(
      new QueryCommand({
        TableName: table,
        IndexName: 'open-work',
        KeyConditionExpression: 'openWorkPk = :work AND dueAt <= :now',
        ExpressionAttributeValues: marshall({ ':work': openWorkShardKey(kind, shard), ':now': now }),
        Limit: limit,
      }),
    );
    return Items;
  };
}
