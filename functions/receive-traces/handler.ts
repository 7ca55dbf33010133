import { dynamodb, s3, sqs } from '../../shared/adapters/aws-clients.ts';
import { dynamoExperimentStore } from '../../shared/adapters/dynamo-experiment-store.ts';
import { s3Inbox } from '../../shared/adapters/s3-inbox.ts';
import { sqsArrivalQueue } from '../../shared/adapters/sqs-arrival-queue.ts';
import { knownExperiments } from '../../shared/contracts/otlp-request/known-experiments.ts';
import { readEnv } from '../../shared/runtime/env.ts';
import { logger } from '../../shared/runtime/logger.ts';
import { counter } from '../../shared/runtime/metrics.ts';
import { createHandler } from './create-handler.ts';
import { envSchema } from './env.ts';

const env = readEnv(envSchema);
const now = Date.now;

export const handler = createHandler({
  queue: sqsArrivalQueue(sqs(), env.ARRIVALS_QUEUE_URL),
  inbox: s3Inbox(s3(), env.TRACE_STORE_BUCKET),
  isKnown: knownExperiments(dynamoExperimentStore(dynamodb(), env.REGISTRY_TABLE), now),
  now,
  logger,
  counter,
});
