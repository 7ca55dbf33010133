import { dynamodb, sqs } from '../../shared/adapters/aws-clients.ts';
import { dynamoDueWork } from '../../shared/adapters/dynamo-due-work.ts';
import { sqsArrivalQueue } from '../../shared/adapters/sqs-arrival-queue.ts';
import { readEnv } from '../../shared/runtime/env.ts';
import { createHandler } from './create-handler.ts';
import { envSchema } from './env.ts';

const env = readEnv(envSchema);

export const handler = createHandler({
  dueWork: dynamoDueWork(dynamodb(), env.TRACES_TABLE),
  settleQueue: sqsArrivalQueue(sqs(), env.ARRIVALS_QUEUE_URL),
  now: Date.now,
});
