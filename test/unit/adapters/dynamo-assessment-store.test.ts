import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { beforeAll, expect, it } from 'vitest';
import { dynamoAssessmentStore } from '../../../shared/adapters/dynamo-assessment-store.ts';
import { dynamoTraceIndex } from '../../../shared/adapters/dynamo-trace-index.ts';
import { aTraceInfo } from '../../support/builders/a-trace-info.ts';
import { anAssessment } from '../../support/builders/an-assessment.ts';
import { dynaliteTables } from '../../support/dynalite-tables.ts';

const tables = dynaliteTables();
let client: DynamoDBClient;
let table: string;
beforeAll(() => {
  ({ client, traces: table } = tables());
});

// A Query answers with 1 MB at most (API reference, Query).
it('lists all assessments of a trace where they fill several pages', async () => {
  const store = dynamoAssessmentStore(client, table, { retentionDays: 30 });
  const info = aTraceInfo();
  const { traceId } = info;
  await dynamoTraceIndex(client, table, { retentionDays: 30 }).foundTraces([info]);
  const rationale = 'x'.repeat(250_000);
  for (let n = 0; n < 6; n++) await store.put([anAssessment({ traceId, rationale })]);
  expect(await store.list(traceId)).toHaveLength(6);
});
