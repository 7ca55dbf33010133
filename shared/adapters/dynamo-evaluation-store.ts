import { DeleteItemCommand, type DynamoDBClient, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { evaluationKey, toEvaluationItem } from '../contracts/trace-item.ts';
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

    async remove(traceId, scorers) {
      const keys = scorers.map(({ name, version }) =>
        evaluationKey({ traceId, scorerName: name, scorerVersion: version }),
      );
      await Promise.all(
        keys.map((key) => client.send(new DeleteItemCommand({ TableName: table, Key: marshall(key) }))),
      );
    },

    putOff(held, dueAt) {
      return isApplied(
        client.send(
          new UpdateItemCommand({
            TableName: table,
            Key: marshall(evaluationKey(held)),
            UpdateExpression: 'SET dueAt = :due',
            ConditionExpression: '#state = :held AND finishedAt = :since',
            ExpressionAttributeNames: { '#state': 'state' },
            ExpressionAttributeValues: marshall({ ':due': dueAt, ':held': 'held', ':since': held.finishedAt }),
          }),
        ),
      );
    },

    replace(before, after) {
      return isApplied(
        client.send(
          new PutItemCommand({
            TableName: table,
            Item: marshall(toEvaluationItem(after, options.retentionDays), { removeUndefinedValues: true }),
            ConditionExpression: '#state = :state AND finishedAt = :at',
            ExpressionAttributeNames: { '#state': 'state' },
            ExpressionAttributeValues: marshall({ ':state': before.state, ':at': before.finishedAt }),
          }),
        ),
      );
    },

    lease(running, now) {
      const again =
        running.backfillId === undefined ? '' : ' OR attribute_not_exists(backfillId) OR backfillId <> :backfill';
      const asked = `revision < :revision${again}`;
      return isApplied(
        client.send(
          new PutItemCommand({
            TableName: table,
            Item: marshall(toEvaluationItem(running, options.retentionDays), { removeUndefinedValues: true }),
            ConditionExpression: `attribute_not_exists(pk) OR #state = :held OR (#state = :running AND #until <= :now) OR (#state IN (:done, :failed) AND (${asked}))`,
            ExpressionAttributeNames: { '#state': 'state', '#until': 'until' },
            ExpressionAttributeValues: marshall({
              ':held': 'held',
              ':running': 'running',
              ':done': 'done',
              ':failed': 'failed',
              ':now': now,
              ':revision': running.revision,
              ...(running.backfillId !== undefined && { ':backfill': running.backfillId }),
            }),
          }),
        ),
      );
    },
  };
}
