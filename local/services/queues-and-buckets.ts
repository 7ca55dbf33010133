import { join } from 'node:path';
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
    server.createQueue(queueName(queue), { region, attributes: queueAttributes(queue.properties as QueueProperties) });
  }
  for (const { ref } of resources.filter(({ type }) => type === 'AWS::S3::Bucket')) server.createBucket(ref);
  return server;
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
