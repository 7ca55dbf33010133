import { dynamodb, s3, sqs } from '../../shared/adapters/aws-clients.ts';
import { dynamoAssessmentStore } from '../../shared/adapters/dynamo-assessment-store.ts';
import { dynamoBackfillStore } from '../../shared/adapters/dynamo-backfill-store.ts';
import { dynamoEvaluationReader } from '../../shared/adapters/dynamo-evaluation-reader.ts';
import { dynamoSliceProgress } from '../../shared/adapters/dynamo-slice-progress.ts';
import { dynamoTraceReader } from '../../shared/adapters/dynamo-trace-reader.ts';
import { dynamoTraceSlices } from '../../shared/adapters/dynamo-trace-slices.ts';
import { otlpTraceCodec } from '../../shared/adapters/otlp-trace-codec.ts';
import { s3SliceDecisions } from '../../shared/adapters/s3-backfill-files.ts';
import { s3SegmentStore } from '../../shared/adapters/s3-segment-store.ts';
import { sqsEvaluationQueue } from '../../shared/adapters/sqs-evaluation-queue.ts';
import { readEnv } from '../../shared/runtime/env.ts';
import { createHandler } from './create-handler.ts';
import { envSchema } from './env.ts';

const env = readEnv(envSchema);
const [dynamoClient, s3Client] = [dynamodb(), s3()];
const retentionDays = env.TRACE_RETENTION_DAYS;

export const handler = createHandler({
  backfills: dynamoBackfillStore(dynamoClient, env.REGISTRY_TABLE),
  index: dynamoTraceReader(dynamoClient, env.TRACES_TABLE),
  slices: dynamoTraceSlices(dynamoClient, env.TRACES_TABLE),
  evaluations: dynamoEvaluationReader(dynamoClient, env.TRACES_TABLE),
  assessments: dynamoAssessmentStore(dynamoClient, env.TRACES_TABLE, { retentionDays }),
  progress: dynamoSliceProgress(dynamoClient, env.TRACES_TABLE, { retentionDays, now: Date.now }),
  segments: s3SegmentStore(s3Client, env.TRACE_STORE_BUCKET),
  decisions: s3SliceDecisions(s3Client, env.TRACE_STORE_BUCKET),
  codec: otlpTraceCodec,
  queue: sqsEvaluationQueue(sqs(), env.BACKFILL_QUEUE_URL),
});
