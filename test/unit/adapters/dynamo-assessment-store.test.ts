import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dynamoAssessmentStore } from '../../../shared/adapters/dynamo-assessment-store.ts';
import { dynamoTraceIndex } from '../../../shared/adapters/dynamo-trace-index.ts';
import { aTraceInfo } from '../../support/builders/a-trace-info.ts';
import { anAssessment } from '../../support/builders/an-assessment.ts';
import { startDynalite } from '../../support/dynalite-endpoint.ts';
import { createTables } from '../../support/dynamo-tables.ts';
import { localCredentials } from '../../support/local-credentials.ts';

let engine: Awaited<ReturnType<typeof startDynalite>>;
let client: DynamoDBClient;
let table: string;
beforeAll(async () => {
  engine = await startDynalite();
  client = new DynamoDBClient({ endpoint: engine.endpoint, ...localCredentials });
  table = (await createTables(client)).traces;
}, 60_000);
afterAll(async () => {
  client.destroy();
  await engine.stop();
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
