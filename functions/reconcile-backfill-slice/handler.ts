import { dynamodb, s3 } from '../../shared/adapters/aws-clients.ts';
import { dynamoBackfillStore } from '../../shared/adapters/dynamo-backfill-store.ts';
import { dynamoEvaluationReader } from '../../shared/adapters/dynamo-evaluation-reader.ts';
import { dynamoSliceProgress } from '../../shared/adapters/dynamo-slice-progress.ts';
import { dynamoTraceReader } from '../../shared/adapters/dynamo-trace-reader.ts';
import { s3SliceDecisions } from '../../shared/adapters/s3-backfill-files.ts';
import { readEnv } from '../../shared/runtime/env.ts';
import { createHandler } from './create-handler.ts';
import { envSchema } from './env.ts';

const env = readEnv(envSchema);
const dynamoClient = dynamodb();
const now = Date.now;

export const handler = createHandler({
  backfills: dynamoBackfillStore(dynamoClient, env.REGISTRY_TABLE),
  index: dynamoTraceReader(dynamoClient, env.TRACES_TABLE),
  evaluations: dynamoEvaluationReader(dynamoClient, env.TRACES_TABLE),
  progress: dynamoSliceProgress(dynamoClient, env.TRACES_TABLE, { retentionDays: env.TRACE_RETENTION_DAYS, now }),
  decisions: s3SliceDecisions(s3(), env.TRACE_STORE_BUCKET),
  now,
});
