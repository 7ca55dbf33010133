import { S3Client } from '@aws-sdk/client-s3';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { type FauxqsServer, startFauxqs } from 'fauxqs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { s3Inbox } from '../../../shared/adapters/s3-inbox.ts';
import { sqsArrivalQueue } from '../../../shared/adapters/sqs-arrival-queue.ts';
import { arrivalMessage, type SpansMessage } from '../../../shared/contracts/arrival-message.ts';

let server: FauxqsServer;
let sqs: SQSClient;
let s3: S3Client;

beforeAll(async () => {
  server = await startFauxqs({ port: 0, logger: false, host: '127.0.0.1' });
  const options = {
    endpoint: server.address,
    region: 'us-east-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
  };
  sqs = new SQSClient({ ...options, md5: false });
  s3 = new S3Client(options);
});

afterAll(async () => {
  sqs.destroy();
  s3.destroy();
  await server.stop();
});

async function receiveAll(queueUrl: string) {
  const messages = [];
  for (;;) {
    const command = new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 0 });
    const { Messages = [] } = await sqs.send(command);
    if (Messages.length === 0) return messages;
    messages.push(...Messages.map(({ Body }) => arrivalMessage.parse(JSON.parse(Body ?? ''))));
  }
}

test('a message with 512 KiB of body comes out of the queue as it was sent', async () => {
  const { queueUrl } = server.createQueue('arrivals');
  const message: SpansMessage = {
    v: 1,
    kind: 'spans',
    experimentId: '7',
    receivedAt: 1,
    format: 'protobuf',
    encoding: 'zstd',
    body: 'QUJD'.repeat(128 * 1024),
  };
  await sqsArrivalQueue(sqs, queueUrl).send(message);
  expect(await receiveAll(queueUrl)).toEqual([message]);
});

test('settle messages come out once each, and not before their delay', async () => {
  const { queueUrl } = server.createQueue('settling');
  const queue = sqsArrivalQueue(sqs, queueUrl);
  const traceIds = Array.from({ length: 25 }, (_, i) => `tr-${i}`);
  await queue.settle(['tr-later'], { delaySeconds: 30 });
  await queue.settle(traceIds, { delaySeconds: 0 });
  const received = await receiveAll(queueUrl);
  expect(received.map((message) => (message.kind === 'settle' ? message.traceId : '?')).toSorted()).toEqual(
    traceIds.toSorted(),
  );
});

test('the inbox gives back the bytes that were put, however often', async () => {
  server.createBucket('trace-store');
  const inbox = s3Inbox(s3, 'trace-store');
  const body = Uint8Array.from({ length: 1000 }, (_, i) => i % 256);
  for (let i = 0; i < 2; i++) await inbox.put('inbox/2026-06-01/abc', body);
  expect(Uint8Array.from(await inbox.get('inbox/2026-06-01/abc'))).toEqual(body);
});
