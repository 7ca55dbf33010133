import { dynamodb, s3 } from '../../shared/adapters/aws-clients.ts';
import { dynamoBackfillStore } from '../../shared/adapters/dynamo-backfill-store.ts';
import { dynamoRestoredTraces } from '../../shared/adapters/dynamo-restored-traces.ts';
import { dynamoTraceReader } from '../../shared/adapters/dynamo-trace-reader.ts';
import { dynamoTraceRemover } from '../../shared/adapters/dynamo-trace-remover.ts';
import { otlpTraceCodec } from '../../shared/adapters/otlp-trace-codec.ts';
import { s3ArchivedTraces } from '../../shared/adapters/s3-archived-traces.ts';
import { s3SegmentStore } from '../../shared/adapters/s3-segment-store.ts';
import { encodeTracesData } from '../../shared/contracts/otlp/encode-spans.ts';
import { readEnv } from '../../shared/runtime/env.ts';
import { createHandler } from './create-handler.ts';
import { envSchema } from './env.ts';

const env = readEnv(envSchema);
const [dynamoClient, s3Client] = [dynamodb(), s3()];
// As every trace: what is written beside or over it later expires no sooner, and its spans no sooner than that.
const options = { retentionDays: env.TRACE_RETENTION_DAYS };

export const handler = createHandler({
  backfills: dynamoBackfillStore(dynamoClient, env.REGISTRY_TABLE),
  archived: s3ArchivedTraces(s3Client, { archiveBucket: env.ARCHIVE_BUCKET }),
  index: dynamoTraceReader(dynamoClient, env.TRACES_TABLE),
  remover: dynamoTraceRemover(dynamoClient, env.TRACES_TABLE, options),
  restored: dynamoRestoredTraces(dynamoClient, env.TRACES_TABLE, options),
  segments: s3SegmentStore(s3Client, env.TRACE_STORE_BUCKET),
  codec: otlpTraceCodec,
  encode: encodeTracesData,
  ...options,
  now: Date.now,
});
