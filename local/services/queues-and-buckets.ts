import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { type FauxqsServer, startFauxqs } from 'fauxqs';
import type { DeployedResource } from '../template/assembly.ts';
import { accountId, region } from '../template/physical-names.ts';

interface QueueProperties {
  readonly VisibilityTimeout?: number;
  readonly MessageRetentionPeriod?: number;
  readonly DelaySeconds?: number;
  readonly RedrivePolicy?: { readonly deadLetterTargetArn: string; readonly maxReceiveCount: number };
}

/** The template's queues and buckets on fauxqs. */
export async function startQueuesAndBuckets(
  resources: readonly DeployedResource[],
  { folder }: { folder?: string | undefined },
): Promise<FauxqsServer> {
  if (folder !== undefined) releaseMessages(join(folder, 'fauxqs.db'));
  const server = await startFauxqs({
    port: 0,
    logger: false,
    host: '127.0.0.1',
    defaultRegion: region,
    ...(folder !== undefined && { dataDir: folder, s3StorageDir: join(folder, 'objects') }),
  });
  const queues = resources.filter(({ type }) => type === 'AWS::SQS::Queue');
  // Dead letters first: the others point to them.
  for (const queue of queues.toSorted(
    (a, b) => Number('RedrivePolicy' in a.properties) - Number('RedrivePolicy' in b.properties),
  )) {
    await provideQueue(queueName(queue), { server, attributes: queueAttributes(queue.properties as QueueProperties) });
  }
  for (const { ref } of resources.filter(({ type }) => type === 'AWS::S3::Bucket')) server.createBucket(ref);
  return server;
}

/** One that is there keeps its messages: to create it again would throw them away. */
async function provideQueue(
  name: string,
  { server, attributes }: { server: FauxqsServer; attributes: Record<string, string> },
): Promise<void> {
  if (!server.inspectQueue(name)) {
    server.createQueue(name, { region, attributes });
    return;
  }
  const endpoint = `http://127.0.0.1:${server.port}`;
  const sqs = new SQSClient({ endpoint, region, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } });
  const QueueUrl = `${endpoint}/000000000000/${name}`;
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: attributes }));
  sqs.destroy();
}

/**
 * Messages that a process before this one had received come back now: whoever had them is gone, and on AWS, where nothing dies all at
 * once, they would come back when their visibility timeout ends. The table is fauxqs' own, of the version that is pinned.
 */
function releaseMessages(file: string): void {
  if (!existsSync(file)) return;
  const database = new DatabaseSync(file);
  database.exec('UPDATE sqs_messages SET receipt_handle = NULL, visibility_deadline = NULL');
  database.close();
}

export function queueName({ ref }: DeployedResource): string {
  return ref.slice(ref.lastIndexOf('/') + 1);
}

function queueAttributes({
  VisibilityTimeout,
  MessageRetentionPeriod,
  DelaySeconds,
  RedrivePolicy,
}: QueueProperties): Record<string, string> {
  // fauxqs has an account of its own: the dead letters' ARN is told by their name.
  const deadLetters = RedrivePolicy && {
    ...RedrivePolicy,
    deadLetterTargetArn: fauxqsArn(RedrivePolicy.deadLetterTargetArn),
  };
  return {
    ...(VisibilityTimeout !== undefined && { VisibilityTimeout: String(VisibilityTimeout) }),
    ...(MessageRetentionPeriod !== undefined && { MessageRetentionPeriod: String(MessageRetentionPeriod) }),
    ...(DelaySeconds !== undefined && { DelaySeconds: String(DelaySeconds) }),
    ...(deadLetters && { RedrivePolicy: JSON.stringify(deadLetters) }),
    MaximumMessageSize: String(1024 * 1024),
  };
}

function fauxqsArn(arn: string): string {
  return arn.replace(accountId, '000000000000');
}
