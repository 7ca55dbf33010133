import type { SQSClient } from '@aws-sdk/client-sqs';
import type { EvaluationMessage } from '../contracts/evaluation-message.ts';
import type { EvaluationQueue } from '../domain/ports.ts';
import { sendMessages } from './sqs-batch.ts';

/** Traces to be judged: one message a trace, whatever the number of its scorers. */
export function sqsEvaluationQueue(client: SQSClient, queueUrl: string): EvaluationQueue {
  return {
    async request(requests) {
      const messages = requests.map(({ scorers, ...request }) => {
        const message: EvaluationMessage = {
          v: 1,
          kind: 'trace',
          ...request,
          scorers: scorers.map((scorer) => ({ ...scorer })),
        };
        return { body: JSON.stringify(message) };
      });
      await sendMessages(client, { queueUrl, messages });
    },
  };
}
