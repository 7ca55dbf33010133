import { GetQueueAttributesCommand, paginateListQueues, SQSClient } from '@aws-sdk/client-sqs';
import type { AwsConnection } from './stack.ts';

export interface QueueDepths {
  /** Messages in queues that work is done from: waiting, delayed or being worked on. */
  readonly pending: number;
  /** Messages in each dead-letter queue, by its name. */
  readonly deadLetters: Readonly<Record<string, number>>;
}

interface Queue {
  readonly name: string;
  readonly arn: string;
  readonly deadLetterArn?: string;
  readonly messages: number;
}

/** What lies in the queues of the account; a dead-letter queue is one that another names in its redrive policy. */
export async function readQueueDepths({ client }: AwsConnection): Promise<QueueDepths> {
  const sqs = new SQSClient(client);
  try {
    const queues: Queue[] = [];
    for await (const { QueueUrls = [] } of paginateListQueues({ client: sqs }, {}))
      queues.push(...(await Promise.all(QueueUrls.map((url) => describe(sqs, url)))));
    return depthsOf(queues);
  } finally {
    sqs.destroy();
  }
}

async function describe(sqs: SQSClient, url: string): Promise<Queue> {
  const command = new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['All'] });
  const { Attributes = {} } = await sqs.send(command);
  const policy = Attributes.RedrivePolicy;
  return {
    name: url.slice(url.lastIndexOf('/') + 1),
    arn: Attributes.QueueArn ?? '',
    ...(policy && { deadLetterArn: (JSON.parse(policy) as { deadLetterTargetArn: string }).deadLetterTargetArn }),
    messages:
      Number(Attributes.ApproximateNumberOfMessages ?? 0) +
      Number(Attributes.ApproximateNumberOfMessagesNotVisible ?? 0) +
      Number(Attributes.ApproximateNumberOfMessagesDelayed ?? 0),
  };
}

function depthsOf(queues: readonly Queue[]): QueueDepths {
  const deadLetterArns = new Set(queues.map(({ deadLetterArn }) => deadLetterArn));
  const [dead, working] = [
    queues.filter(({ arn }) => deadLetterArns.has(arn)),
    queues.filter(({ arn }) => !deadLetterArns.has(arn)),
  ];
  if (dead.length === 0) throw new Error('the stack has no dead-letter queue: nothing would show what failed');
  return {
    pending: working.reduce((sum, { messages }) => sum + messages, 0),
    deadLetters: Object.fromEntries(dead.map(({ name, messages }) => [name, messages])),
  };
}
