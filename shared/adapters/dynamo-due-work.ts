import { type DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { fromEvaluationItem, openWorkShardKey } from '../contracts/trace-item.ts';
import type { OpenWorkKind } from '../domain/open-work.ts';
import type { DueWork } from '../domain/ports.ts';
import { batchGet, type Item } from './dynamo-batch.ts';

/** The `open-work` index of the traces table: an item stands on it only while something is due. */
export function dynamoDueWork(client: DynamoDBClient, table: string): DueWork {
  async function listDue(
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
  }

  return {
    async listTraces(shard, options) {
      return (await listDue('trace', shard, options)).flatMap((item) => item.pk?.S ?? []);
    },

    async listEvaluations(shard, options) {
      const due = await listDue('evaluation', shard, options);
      const keys = due.map(({ pk, sk }) => ({ pk, sk }) as Item);
      const items = keys.length > 0 ? await batchGet(client, { table, keys, consistent: true }) : [];
      return items.map((item) => fromEvaluationItem(unmarshall(item))).filter(({ state }) => state === 'held');
    },
  };
}
