import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { fromEvaluationItem } from '../contracts/trace-item.ts';
import type { DueWork } from '../domain/ports.ts';
import { batchGet, type Item } from './dynamo-batch.ts';
import { dynamoOpenWork } from './dynamo-open-work.ts';

/** Unfinished traces and held evaluations that are due. */
export function dynamoDueWork(client: DynamoDBClient, table: string): DueWork {
  const listDue = dynamoOpenWork(client, table);

  return {
    async listTraces(shard, options) {
      return (await listDue('trace', shard, options)).flatMap((item) => item.pk?.S ?? []);
    },

    async listEvaluations(shard, options) {
      const due = await listDue('evaluation', shard, options);
      const keys = due.map(({ pk, sk }) => ({ pk, sk }) as Item);
      const items = keys.length > 0 ? await batchGet(client, { table, keys, consistent: true }) : [];
      const evaluations = items.map((item) => fromEvaluationItem(unmarshall(item)));
      // The index may lag behind: what has been put off since is not asked for again.
      return evaluations
        .filter(({ state, dueAt = 0 }) => state === 'held' && dueAt <= options.now)
        .toSorted((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0));
    },
  };
}
