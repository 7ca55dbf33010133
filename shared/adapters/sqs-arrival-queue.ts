import { SendMessageBatchCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { SettleMessage, SpansMessage } from '../contracts/arrival-message.ts';
import type { SettleQueue } from '../domain/ports.ts';

/** SQS: at most 10 messages and 1 MiB a call; ten settle messages are below 1 KiB. */
const batchSize = 10;

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

    async settle(traceIds, { delaySeconds }) {
      const delay = Math.min(Math.max(0, Math.ceil(delaySeconds)), maxDelaySeconds);
      for (let from = 0; from < traceIds.length; from += batchSize) {
        await sendBatch(client, { queueUrl, delay, traceIds: traceIds.slice(from, from + batchSize) });
      }
    },
  };
}

async function sendBatch(
  client: SQSClient,
  { queueUrl, delay, traceIds }: { queueUrl: string; delay: number; traceIds: readonly string[] },
): Promise<void> {
  const Entries = traceIds.map((traceId, index) => {
    const message: SettleMessage = { v: 1, kind: 'settle', traceId };
    return { Id: String(index), MessageBody: JSON.stringify(message), DelaySeconds: delay };
  });
  // A reply of 200 can hold messages that were not taken.
  const { Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
  if (Failed.length === 0) return;
  const codes = new Set(Failed.map(({ Code }) => Code ?? 'unknown'));
  throw new Error(`sqs took ${Entries.length - Failed.length} of ${Entries.length} messages: ${[...codes].join(', ')}`);
}
