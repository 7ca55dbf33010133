import { dynamodb, s3, sqs } from '../../shared/adapters/aws-clients.ts';
import { dynamoExperimentStore } from '../../shared/adapters/dynamo-experiment-store.ts';
import { dynamoOtelTableStore } from '../../shared/adapters/dynamo-otel-table-store.ts';
import { dynamoRequestCounts } from '../../shared/adapters/dynamo-request-counts.ts';
import { s3Inbox } from '../../shared/adapters/s3-inbox.ts';
import { sqsArrivalQueue } from '../../shared/adapters/sqs-arrival-queue.ts';
import { knownExperiments } from '../../shared/contracts/otlp-request/known-experiments.ts';
import { knownTables } from '../../shared/contracts/otlp-request/known-tables.ts';
import { requestLimiter } from '../../shared/domain/limit-requests.ts';
import { readEnv } from '../../shared/runtime/env.ts';
import { logger } from '../../shared/runtime/logger.ts';
import { counter } from '../../shared/runtime/metrics.ts';
import { createHandler } from './create-handler.ts';
import { envSchema } from './env.ts';

const env = readEnv(envSchema);
const [client, now] = [dynamodb(), Date.now];
const experiments = dynamoExperimentStore(client, env.REGISTRY_TABLE);

export const handler = createHandler({
  queue: sqsArrivalQueue(sqs(), env.ARRIVALS_QUEUE_URL),
  inbox: s3Inbox(s3(), env.TRACE_STORE_BUCKET),
  stageOf: knownExperiments(experiments, now),
  tables: knownTables(dynamoOtelTableStore(client, env.REGISTRY_TABLE, experiments), now),
  isWithinLimit: requestLimiter({ counts: dynamoRequestCounts(client, env.REQUEST_COUNTS_TABLE), now }),
  now,
  logger,
  counter,
});
