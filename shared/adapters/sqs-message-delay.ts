import { ChangeMessageVisibilityCommand, type SQSClient } from '@aws-sdk/client-sqs';

/** When a message that was received, and is given back, is delivered again. */
export interface MessageDelay {
  delay(receiptHandle: string, ms: number): Promise<void>;
}

/** SQS: the longest visibility timeout, from the message's receipt on. */
const maxSeconds = 12 * 3_600;

export function sqsMessageDelay(client: SQSClient, queueUrl: string): MessageDelay {
  return {
    async delay(ReceiptHandle, ms) {
      const VisibilityTimeout = Math.min(maxSeconds, Math.ceil(ms / 1000));
      await client.send(new ChangeMessageVisibilityCommand({ QueueUrl: queueUrl, ReceiptHandle, VisibilityTimeout }));
    },
  };
}
