import { type DynamoDBClient, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { toEvaluationItem } from '../contracts/trace-item.ts';
import type { EvaluationStore } from '../domain/ports.ts';
import { joinedPuts } from './dynamo-batch.ts';
import { isApplied } from './dynamo-conditional.ts';

/** Outcomes of evaluations, beside the trace they are about. */
export function dynamoEvaluationStore(
  client: DynamoDBClient,
  table: string,
  options: { retentionDays: number },
): EvaluationStore {
  const putAll = joinedPuts(client, table);
  return {
    async put(outcomes) {
      const puts = outcomes.map((outcome) =>
        marshall(toEvaluationItem(outcome, options.retentionDays), { removeUndefinedValues: true }),
      );
      await putAll(puts);
    },

    putOff(held, dueAt) {
      const { pk, sk } = toEvaluationItem(held, options.retentionDays);
      return isApplied(
        client.send(
          new UpdateItemCommand({
            TableName: table,
            Key: marshall({ pk, sk }),
            UpdateExpression: 'SET dueAt = :due',
            ConditionExpression: '#state = :held AND finishedAt = :since',
            ExpressionAttributeNames: { '#state': 'state' },
            ExpressionAttributeValues: marshall({ ':due': dueAt, ':held': 'held', ':since': held.finishedAt }),
          }),
        ),
      );
    },

    lease(running, now) {
      return isApplied(
        client.send(
          new PutItemCommand({
            TableName: table,
            Item: marshall(toEvaluationItem(running, options.retentionDays), { removeUndefinedValues: true }),
            ConditionExpression: 'attribute_not_exists(pk) OR #state <> :running OR #until <= :now',
            ExpressionAttributeNames: { '#state': 'state', '#until': 'until' },
            ExpressionAttributeValues: marshall({ ':running': 'running', ':now': now }),
          }),
        ),
      );
    },
  };
}
