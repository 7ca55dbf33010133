import { type AttributeValue, type DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { toAssessmentItem } from '../contracts/assessment-item.ts';
import { expiresAt, toEvaluationItem, toInfoItem } from '../contracts/trace-item.ts';
import type { RestoredTrace, RestoredTraces } from '../domain/backfilling/restore-traces.ts';
import { settleInParallel, valuesOf } from '../domain/in-parallel.ts';
import { isApplied } from './dynamo-conditional.ts';
import { dayAnnouncer } from './dynamo-days.ts';
import { insertNew } from './dynamo-insert-new.ts';

const writesAtOnce = 8;

/** Traces that are put back into the traces table, all items of which expire together. */
export function dynamoRestoredTraces(
  client: DynamoDBClient,
  table: string,
  options: { retentionDays: number },
): RestoredTraces {
  const announceDays = dayAnnouncer(client, table, options);
  const toItem = (item: Record<string, unknown>) => marshall(item, { removeUndefinedValues: true });

  /** DynamoDB deletes what has expired when it comes to it: until then it is in the way. */
  function replaceExpired(Item: Record<string, AttributeValue>, now: number): Promise<boolean> {
    const put = new PutItemCommand({
      TableName: table,
      Item,
      ConditionExpression: 'attribute_not_exists(pk) OR (expiresAt <= :now AND attribute_not_exists(deletedAt))',
      ExpressionAttributeValues: marshall({ ':now': Math.floor(now / 1000) }),
    });
    return isApplied(client.send(put));
  }

  async function write(items: readonly Record<string, unknown>[], now: number): Promise<void> {
    const wanted = items.map(toItem);
    const results = await insertNew(client, { table, items: wanted });
    const inTheWay = wanted.filter((_, i) => results[i] === 'exists');
    const task = (item: (typeof wanted)[number]) => replaceExpired(item, now);
    valuesOf(await settleInParallel(inTheWay, { limit: writesAtOnce, task }));
  }

  return {
    async add(traces) {
      const now = Math.max(...traces.map(({ info }) => info.lastArrivalAt));
      await announceDays(traces.map(({ info }) => info));
      await write(
        traces.flatMap((trace) => itemsBeside(trace, options)),
        now,
      );
      await write(
        traces.map(({ info }) => ({ ...toInfoItem(info, options), ...knownAssessments(info) })),
        now,
      );
    },
  };
}

function knownAssessments({ assessmentIds = [] }: RestoredTrace['info']): Record<string, unknown> {
  return assessmentIds.length > 0 ? { assessmentIds: new Set(assessmentIds) } : {};
}

function itemsBeside(
  { info: { lastArrivalAt }, assessments, outcomes }: RestoredTrace,
  { retentionDays }: { retentionDays: number },
): readonly Record<string, unknown>[] {
  const items = [
    ...assessments.map((assessment) => toAssessmentItem(assessment, { retentionDays })),
    ...outcomes.map((outcome) => toEvaluationItem(outcome, retentionDays)),
  ];
  return items.map((item) => ({ ...item, expiresAt: expiresAt(lastArrivalAt, retentionDays) }));
}
