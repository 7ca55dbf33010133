import { dynamodb, firehose, s3 } from '../../shared/adapters/aws-clients.ts';
import { dynamoAssessmentStore } from '../../shared/adapters/dynamo-assessment-store.ts';
import { dynamoEvaluationStore } from '../../shared/adapters/dynamo-evaluation-store.ts';
import { dynamoRuleStore } from '../../shared/adapters/dynamo-rule-store.ts';
import { dynamoScorerStore } from '../../shared/adapters/dynamo-scorer-store.ts';
import { dynamoSessionStore } from '../../shared/adapters/dynamo-session-store.ts';
import { dynamoTraceIndex } from '../../shared/adapters/dynamo-trace-index.ts';
import { dynamoTraceSearch } from '../../shared/adapters/dynamo-trace-search.ts';
import { firehoseAssessmentArchive } from '../../shared/adapters/firehose-archive.ts';
import { otlpTraceCodec } from '../../shared/adapters/otlp-trace-codec.ts';
import { s3SegmentStore } from '../../shared/adapters/s3-segment-store.ts';
import { createScorer } from '../../shared/contracts/serialized-scorer.ts';
import { readEnv } from '../../shared/runtime/env.ts';
import { logger } from '../../shared/runtime/logger.ts';
import { createHandler } from './create-handler.ts';
import { envSchema } from './env.ts';

const env = readEnv(envSchema);
const dynamoClient = dynamodb();
const retentionDays = env.TRACE_RETENTION_DAYS;
const now = Date.now;

const held = async () => [{ held: 'sessions are not judged by this version yet' }];

export const handler = createHandler({
  index: dynamoTraceIndex(dynamoClient, env.TRACES_TABLE, { retentionDays }),
  sessions: dynamoSessionStore(dynamoClient, env.TRACES_TABLE, { retentionDays }),
  search: dynamoTraceSearch(dynamoClient, env.TRACES_TABLE),
  rules: dynamoRuleStore(dynamoClient, env.REGISTRY_TABLE, { cacheSeconds: 30, now }),
  judgeSession: held,
  segments: s3SegmentStore(s3(), env.TRACE_STORE_BUCKET),
  codec: otlpTraceCodec,
  scorers: dynamoScorerStore(dynamoClient, env.REGISTRY_TABLE),
  createScorer,
  assessments: dynamoAssessmentStore(dynamoClient, env.TRACES_TABLE, { retentionDays }),
  outcomes: dynamoEvaluationStore(dynamoClient, env.TRACES_TABLE, { retentionDays }),
  archive: firehoseAssessmentArchive(firehose(), { stream: env.ASSESSMENTS_STREAM, now }),
  now,
  logger,
});
