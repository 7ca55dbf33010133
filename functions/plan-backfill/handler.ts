import { dynamodb, s3 } from '../../shared/adapters/aws-clients.ts';
import { dynamoAssessmentStore } from '../../shared/adapters/dynamo-assessment-store.ts';
import { dynamoBackfillStore } from '../../shared/adapters/dynamo-backfill-store.ts';
import { dynamoEvaluationReader } from '../../shared/adapters/dynamo-evaluation-reader.ts';
import { dynamoExperimentStore } from '../../shared/adapters/dynamo-experiment-store.ts';
import { dynamoRuleStore } from '../../shared/adapters/dynamo-rule-store.ts';
import { dynamoScorerStore } from '../../shared/adapters/dynamo-scorer-store.ts';
import { dynamoTraceReader } from '../../shared/adapters/dynamo-trace-reader.ts';
import { dynamoTraceSearch } from '../../shared/adapters/dynamo-trace-search.ts';
import { dynamoTraceSlices } from '../../shared/adapters/dynamo-trace-slices.ts';
import { otlpTraceCodec } from '../../shared/adapters/otlp-trace-codec.ts';
import { s3SliceFiles } from '../../shared/adapters/s3-backfill-files.ts';
import { s3SegmentStore } from '../../shared/adapters/s3-segment-store.ts';
import { archiveQueries } from '../../shared/contracts/archive-queries.ts';
import { readTraits } from '../../shared/contracts/serialized-scorer.ts';
import { readEnv } from '../../shared/runtime/env.ts';
import { createHandler } from './create-handler.ts';
import { envSchema } from './env.ts';

const env = readEnv(envSchema);
const [dynamoClient, s3Client] = [dynamodb(), s3()];
const now = Date.now;

export const handler = createHandler({
  backfills: dynamoBackfillStore(dynamoClient, env.REGISTRY_TABLE),
  experiments: dynamoExperimentStore(dynamoClient, env.REGISTRY_TABLE),
  scorers: dynamoScorerStore(dynamoClient, env.REGISTRY_TABLE),
  rules: dynamoRuleStore(dynamoClient, env.REGISTRY_TABLE, { cacheSeconds: 0, now }),
  readTraits,
  index: dynamoTraceReader(dynamoClient, env.TRACES_TABLE),
  search: dynamoTraceSearch(dynamoClient, env.TRACES_TABLE),
  slices: dynamoTraceSlices(dynamoClient, env.TRACES_TABLE),
  evaluations: dynamoEvaluationReader(dynamoClient, env.TRACES_TABLE),
  assessments: dynamoAssessmentStore(dynamoClient, env.TRACES_TABLE, { retentionDays: env.TRACE_RETENTION_DAYS }),
  segments: s3SegmentStore(s3Client, env.TRACE_STORE_BUCKET),
  codec: otlpTraceCodec,
  archive: archiveQueries(env.ARCHIVE_DATABASE),
  locationOf: (backfillId) => `s3://${env.TRACE_STORE_BUCKET}/unloaded/${backfillId}/`,
  retentionDays: env.TRACE_RETENTION_DAYS,
  files: s3SliceFiles(s3Client, env.TRACE_STORE_BUCKET),
  now,
});
