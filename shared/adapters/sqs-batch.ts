import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';

/** SQS takes 10 messages and 1 MiB a call (API reference, SendMessageBatch). */
const maxEntries = 10;
const maxBytes = 1024 * 1024;
const callsAtOnce = 8;

export interface OutgoingMessage {
  readonly body: string;
  readonly delaySeconds?: number;
}

/** Sends messages in as few calls as they fit in; throws where one was not taken, so that the work that sends it is repeated. */
export async function sendMessages(
  client: SQSClient,
  { queueUrl, messages }: { queueUrl: string; messages: readonly OutgoingMessage[] },
): Promise<void> {
  const batches = toBatches(messages);
  for (let i = 0; i < batches.length; i += callsAtOnce) {
    await Promise.all(batches.slice(i, i + callsAtOnce).map((batch) => sendBatch(client, { queueUrl, batch })));
  }
}

function toBatches(messages: readonly OutgoingMessage[]): readonly (readonly OutgoingMessage[])[] {
  const batches: OutgoingMessage[][] = [];
  let bytes = 0;
  for (const message of messages) {
    const size = Buffer.byteLength(message.body);
    const batch = batches.at(-1);
    if (batch === undefined || batch.length === maxEntries || bytes + size > maxBytes) {
      batches.push([message]);
      bytes = size;
    } else {
      batch.push(message);
      bytes += size;
    }
  }
  return batches;
}

/** A 200 may hold entries that failed. */
async function sendBatch(
  client: SQSClient,
  { queueUrl, batch }: { queueUrl: string; batch: readonly OutgoingMessage[] },
): Promise<void> {
  const Entries = batch.map(({ body, delaySeconds }, i) => ({
    Id: String(i),
    MessageBody: body,
    ...(delaySeconds && { DelaySeconds: delaySeconds }),
  }));
  const { Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
  const [first] = Failed;
  if (first)
    throw new Error(
      `${queueUrl} refused ${Failed.length} of ${batch.length} messages: ${first.Code} ${first.Message ?? ''}`,
    );
}
