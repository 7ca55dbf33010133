import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { SettleMessage, SpansMessage } from '../contracts/arrival-message.ts';
import type { SettleQueue } from '../domain/ports.ts';
import { sendMessages } from './sqs-batch.ts';

/** SQS: the longest delay of a message. What is due later is found by the sweep. */
const maxDelaySeconds = 900;

/** Where receive-traces leaves what it accepted. */
export interface ArrivalQueue {
  send(message: SpansMessage): Promise<void>;
}

/** The arrivals queue: what came in, and the index's messages to itself. */
export function sqsArrivalQueue(client: SQSClient, queueUrl: string): ArrivalQueue & SettleQueue {
  return {
    async send(message) {
      await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify(message) }));
    },

    async settle(traceIds, options) {
      const delaySeconds = Math.min(Math.max(0, Math.ceil(options.delaySeconds)), maxDelaySeconds);
      const messages = traceIds.map((traceId) => {
        const message: SettleMessage = { v: 1, kind: 'settle', traceId };
        return { body: JSON.stringify(message), delaySeconds };
      });
      await sendMessages(client, { queueUrl, messages });
    },
  };
}
