import { randomBytes } from 'node:crypto';
import { dynamodb, s3 } from '../../shared/adapters/aws-clients.ts';
import { dynamoAssessmentStore } from '../../shared/adapters/dynamo-assessment-store.ts';
import { dynamoExperimentStore } from '../../shared/adapters/dynamo-experiment-store.ts';
import { dynamoRuleStore } from '../../shared/adapters/dynamo-rule-store.ts';
import { dynamoScorerStore } from '../../shared/adapters/dynamo-scorer-store.ts';
import { dynamoTraceReader } from '../../shared/adapters/dynamo-trace-reader.ts';
import { dynamoTraceSearch } from '../../shared/adapters/dynamo-trace-search.ts';
import { otlpTraceCodec } from '../../shared/adapters/otlp-trace-codec.ts';
import { s3AnswerStore } from '../../shared/adapters/s3-answer-store.ts';
import { s3SegmentStore } from '../../shared/adapters/s3-segment-store.ts';
import { readEnv } from '../../shared/runtime/env.ts';
import { logger } from '../../shared/runtime/logger.ts';
import { createHandler } from './create-handler.ts';
import { envSchema } from './env.ts';

const env = readEnv(envSchema);
const [dynamoClient, s3Client] = [dynamodb(), s3()];
const now = Date.now;

export const handler = createHandler({
  index: dynamoTraceReader(dynamoClient, env.TRACES_TABLE),
  search: dynamoTraceSearch(dynamoClient, env.TRACES_TABLE),
  segments: s3SegmentStore(s3Client, env.TRACE_STORE_BUCKET),
  answers: s3AnswerStore(s3Client, env.TRACE_STORE_BUCKET),
  codec: otlpTraceCodec,
  assessments: dynamoAssessmentStore(dynamoClient, env.TRACES_TABLE, { retentionDays: env.TRACE_RETENTION_DAYS }),
  experiments: dynamoExperimentStore(dynamoClient, env.REGISTRY_TABLE),
  scorers: dynamoScorerStore(dynamoClient, env.REGISTRY_TABLE),
  // Whoever changes the rules reads what they are now.
  rules: dynamoRuleStore(dynamoClient, env.REGISTRY_TABLE, { cacheSeconds: 0, now }),
  newId: () => randomBytes(16).toString('hex'),
  now,
  logger,
});
