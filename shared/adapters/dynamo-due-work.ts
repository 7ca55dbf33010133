import { type DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { openWorkShardKey } from '../contracts/trace-item.ts';
import type { DueWork } from '../domain/ports.ts';

/** The `open-work` index of the traces table: an item stands on it only while something is due. */
export function dynamoDueWork(client: DynamoDBClient, table: string): DueWork {
  return {
    async listTraces(shard, { now, limit }) {
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName: table,
          IndexName: 'open-work',
          KeyConditionExpression: 'openWorkPk = :work AND dueAt <= :now',
          ExpressionAttributeValues: marshall({ ':work': openWorkShardKey('trace', shard), ':now': now }),
          Limit: limit,
        }),
      );
      return Items.flatMap((item) => item.pk?.S ?? []);
    },
  };
}
