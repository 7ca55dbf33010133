import type { SQSClient } from '@aws-sdk/client-sqs';
import { type SessionEvaluationMessage, toEvaluationMessage } from '../contracts/evaluation-message.ts';
import type { EvaluationQueue, SessionEvaluationQueue } from '../domain/ports.ts';
import { sendMessages } from './sqs-batch.ts';

/** Traces and sessions to be judged: one message each, whatever the number of its scorers. */
export function sqsEvaluationQueue(client: SQSClient, queueUrl: string): EvaluationQueue & SessionEvaluationQueue {
  return {
    async request(requests) {
      const messages = requests.map((request) => ({ body: JSON.stringify(toEvaluationMessage(request)) }));
      await sendMessages(client, { queueUrl, messages });
    },

    async requestSessions(requests) {
      const messages = requests.map((request) => {
        const message: SessionEvaluationMessage = { v: 1, kind: 'session', ...request };
        return { body: JSON.stringify(message) };
      });
      await sendMessages(client, { queueUrl, messages });
    },
  };
}
