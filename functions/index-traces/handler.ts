import { dynamodb, firehose, s3, sqs } from '../../shared/adapters/aws-clients.ts';
import { dynamoRuleStore } from '../../shared/adapters/dynamo-rule-store.ts';
import { dynamoSessionStore } from '../../shared/adapters/dynamo-session-store.ts';
import { dynamoTraceIndex } from '../../shared/adapters/dynamo-trace-index.ts';
import { dynamoTraceRemover } from '../../shared/adapters/dynamo-trace-remover.ts';
import { firehoseDeletionArchive, firehoseTraceArchive } from '../../shared/adapters/firehose-archive.ts';
import { otlpTraceCodec } from '../../shared/adapters/otlp-trace-codec.ts';
import { s3AttachmentStore } from '../../shared/adapters/s3-attachment-store.ts';
import { s3Inbox } from '../../shared/adapters/s3-inbox.ts';
import { s3SegmentStore } from '../../shared/adapters/s3-segment-store.ts';
import { sqsArrivalQueue } from '../../shared/adapters/sqs-arrival-queue.ts';
import { sqsEvaluationQueue } from '../../shared/adapters/sqs-evaluation-queue.ts';
import { readEnv } from '../../shared/runtime/env.ts';
import { logger } from '../../shared/runtime/logger.ts';
import { createHandler } from './create-handler.ts';
import { envSchema } from './env.ts';

const env = readEnv(envSchema);
const [s3Client, sqsClient, dynamoClient, firehoseClient] = [s3(), sqs(), dynamodb(), firehose()];
const now = Date.now;

export const handler = createHandler({
  index: dynamoTraceIndex(dynamoClient, env.TRACES_TABLE, { retentionDays: env.TRACE_RETENTION_DAYS }),
  remover: dynamoTraceRemover(dynamoClient, env.TRACES_TABLE, { retentionDays: env.TRACE_RETENTION_DAYS }),
  sessions: dynamoSessionStore(dynamoClient, env.TRACES_TABLE, { retentionDays: env.TRACE_RETENTION_DAYS }),
  attachments: s3AttachmentStore(s3Client, env.TRACE_STORE_BUCKET),
  segments: s3SegmentStore(s3Client, env.TRACE_STORE_BUCKET),
  inbox: s3Inbox(s3Client, env.TRACE_STORE_BUCKET),
  rules: dynamoRuleStore(dynamoClient, env.REGISTRY_TABLE, { cacheSeconds: 30, now }),
  archive: firehoseTraceArchive(firehoseClient, {
    streams: { traces: env.TRACES_STREAM, spans: env.SPANS_STREAM },
    valueStore: { s3: s3Client, bucket: env.ARCHIVE_BUCKET },
    now,
  }),
  deletions: firehoseDeletionArchive(firehoseClient, { stream: env.TRACES_STREAM, now }),
  settleQueue: sqsArrivalQueue(sqsClient, env.ARRIVALS_QUEUE_URL),
  evaluationQueue: sqsEvaluationQueue(sqsClient, env.EVALUATIONS_QUEUE_URL),
  codec: otlpTraceCodec,
  now,
  logger,
});
