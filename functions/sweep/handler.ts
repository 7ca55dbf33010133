import { dynamodb, sqs } from '../../shared/adapters/aws-clients.ts';
import { dynamoDueWork } from '../../shared/adapters/dynamo-due-work.ts';
import { dynamoDueSessions } from '../../shared/adapters/dynamo-session-store.ts';
import { sqsArrivalQueue } from '../../shared/adapters/sqs-arrival-queue.ts';
import { sqsEvaluationQueue } from '../../shared/adapters/sqs-evaluation-queue.ts';
import { readEnv } from '../../shared/runtime/env.ts';
import { createHandler } from './create-handler.ts';
import { envSchema } from './env.ts';

const env = readEnv(envSchema);

const [dynamoClient, sqsClient] = [dynamodb(), sqs()];

export const handler = createHandler({
  dueWork: dynamoDueWork(dynamoClient, env.TRACES_TABLE),
  dueSessions: dynamoDueSessions(dynamoClient, env.TRACES_TABLE),
  settleQueue: sqsArrivalQueue(sqsClient, env.ARRIVALS_QUEUE_URL),
  evaluationQueue: sqsEvaluationQueue(sqsClient, env.EVALUATIONS_QUEUE_URL),
  now: Date.now,
});
