import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { toAssessmentItem } from '../contracts/assessment-item.ts';
import { expiresAt, toEvaluationItem, toInfoItem } from '../contracts/trace-item.ts';
import type { RestoredTrace, RestoredTraces } from '../domain/backfilling/restore-traces.ts';
import { dayAnnouncer } from './dynamo-days.ts';
import { insertNew } from './dynamo-insert-new.ts';

/** Traces that are put back into the traces table, all items of which expire together. */
export function dynamoRestoredTraces(
  client: DynamoDBClient,
  table: string,
  options: { retentionDays: number },
): RestoredTraces {
  const announceDays = dayAnnouncer(client, table, options);
  const toItem = (item: Record<string, unknown>) => marshall(item, { removeUndefinedValues: true });

  return {
    async add(traces) {
      await announceDays(traces.map(({ info }) => info));
      await insertNew(client, { table, items: traces.flatMap((trace) => itemsBeside(trace, options)).map(toItem) });
      const infos = traces.map(({ info }) => ({ ...toInfoItem(info, options), ...knownAssessments(info) }));
      await insertNew(client, { table, items: infos.map(toItem) });
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
