import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { evaluationSortKey, fromEvaluationItem } from '../contracts/trace-item.ts';
import type { EvaluationReader } from '../domain/backfilling/ports.ts';
import { batchGet } from './dynamo-batch.ts';

/** Outcomes of many evaluations. Unless they are read consistently, what was written a moment ago may be missed: whoever counts reads again. */
export function dynamoEvaluationReader(
  client: DynamoDBClient,
  table: string,
  { consistent = false }: { consistent?: boolean } = {},
): EvaluationReader {
  return {
    async outcomesOf(wanted) {
      const keys = wanted.map(({ traceId, ...of }) => marshall({ pk: traceId, sk: evaluationSortKey(of) }));
      const items = await batchGet(client, { table, keys, consistent });
      return items.map((item) => fromEvaluationItem(unmarshall(item)));
    },
  };
}
