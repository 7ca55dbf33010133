import { dynamodb, sqs } from '../../shared/adapters/aws-clients.ts';
import { dynamoDueWork } from '../../shared/adapters/dynamo-due-work.ts';
import { dynamoEvaluationStore } from '../../shared/adapters/dynamo-evaluation-store.ts';
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
  outcomes: dynamoEvaluationStore(dynamoClient, env.TRACES_TABLE, { retentionDays: env.TRACE_RETENTION_DAYS }),
  dueSessions: dynamoDueSessions(dynamoClient, env.TRACES_TABLE),
  settleQueue: sqsArrivalQueue(sqsClient, env.ARRIVALS_QUEUE_URL),
  evaluationQueue: sqsEvaluationQueue(sqsClient, env.EVALUATIONS_QUEUE_URL),
  backfillQueue: sqsEvaluationQueue(sqsClient, env.BACKFILL_QUEUE_URL),
  now: Date.now,
});
