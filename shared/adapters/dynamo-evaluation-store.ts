import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { toEvaluationItem } from '../contracts/trace-item.ts';
import type { EvaluationStore } from '../domain/ports.ts';
import { batchWrite } from './dynamo-batch.ts';

/** Outcomes of evaluations, beside the trace they are about. */
export function dynamoEvaluationStore(
  client: DynamoDBClient,
  table: string,
  options: { retentionDays: number },
): EvaluationStore {
  return {
    async put(outcomes) {
      const puts = outcomes.map((outcome) => marshall(toEvaluationItem(outcome, options.retentionDays)));
      await batchWrite(client, { table, puts });
    },
  };
}
