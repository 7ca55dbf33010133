import { dynamodb } from '../../shared/adapters/aws-clients.ts';
import { dynamoBackfillStore } from '../../shared/adapters/dynamo-backfill-store.ts';
import { dynamoCoverageStore } from '../../shared/adapters/dynamo-coverage-store.ts';
import { dynamoScorerStore } from '../../shared/adapters/dynamo-scorer-store.ts';
import { dynamoSliceProgress } from '../../shared/adapters/dynamo-slice-progress.ts';
import { readEnv } from '../../shared/runtime/env.ts';
import { createHandler } from './create-handler.ts';
import { envSchema } from './env.ts';

const env = readEnv(envSchema);
const dynamoClient = dynamodb();
const now = Date.now;

export const handler = createHandler({
  backfills: dynamoBackfillStore(dynamoClient, env.REGISTRY_TABLE),
  coverage: dynamoCoverageStore(dynamoClient, env.REGISTRY_TABLE),
  scorers: dynamoScorerStore(dynamoClient, env.REGISTRY_TABLE),
  progress: dynamoSliceProgress(dynamoClient, env.TRACES_TABLE, { retentionDays: env.TRACE_RETENTION_DAYS, now }),
  now,
});
