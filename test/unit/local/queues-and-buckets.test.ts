import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetQueueAttributesCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { FauxqsServer } from 'fauxqs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startQueuesAndBuckets } from '../../../local/services/queues-and-buckets.ts';
import { localCredentials } from '../../support/local-credentials.ts';

let folder: string;
let server: FauxqsServer;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-test-'));
});
afterEach(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The queue of a template, as a process finds it that starts on the folder. */
async function start(VisibilityTimeout: number): Promise<{ sqs: SQSClient; QueueUrl: string }> {
  const arn = 'arn:aws:sqs:us-east-1:123456789012:work';
  const queue = {
    id: 'Work',
    type: 'AWS::SQS::Queue',
    ref: 'http://queues/work',
    arn,
    properties: { VisibilityTimeout },
    metadata: {},
  };
  server = await startQueuesAndBuckets([queue], { folder });
  const endpoint = `http://127.0.0.1:${server.port}`;
  return { sqs: new SQSClient({ endpoint, ...localCredentials }), QueueUrl: `${endpoint}/000000000000/work` };
}

it('messages outlive the process, also those that somebody had received, and a queue becomes what its template says', async () => {
  const first = await start(600);
  for (const MessageBody of ['received', 'not yet'])
    await first.sqs.send(new SendMessageCommand({ QueueUrl: first.QueueUrl, MessageBody }));
  await first.sqs.send(new ReceiveMessageCommand({ QueueUrl: first.QueueUrl }));
  await server.stop();
  const { sqs, QueueUrl } = await start(300);
  const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
  expect(Messages.map(({ Body }) => Body).sort()).toEqual(['not yet', 'received']);
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
  expect(Attributes).toMatchObject({ VisibilityTimeout: '300' });
});
