import { randomBytes, randomUUID } from 'node:crypto';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { region } from '../../local/template/physical-names.ts';
import { s3SegmentStore } from '../../shared/adapters/s3-segment-store.ts';
import { startTestStack, type TestStack } from '../support/local-stack.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack.stop());

/** Clients that sign as a function does. */
function clientsOf(functionName: string) {
  const found = stack.stack.functions.find(({ spec }) => spec.name === functionName);
  const options = {
    endpoint: stack.stack.endpoint,
    region,
    credentials: { accessKeyId: found?.accessKeyId ?? '', secretAccessKey: 'local' },
    maxAttempts: 1,
  };
  return {
    environment: found?.spec.environment ?? {},
    dynamodb: new DynamoDBClient(options),
    s3: new S3Client(options),
    sqs: new SQSClient(options),
  };
}

describe('a call that the role of a function does not grant', () => {
  it('to a table is refused, naming function, action and resource', async () => {
    const { dynamodb } = clientsOf('receive-traces');
    const TableName = stack.stack.outputs.get('TracesTable');
    const call = dynamodb.send(new GetItemCommand({ TableName, Key: { pk: { S: 'a' }, sk: { S: 'b' } } }));
    await expect(call).rejects.toThrow(
      /receive-traces is not authorized to perform dynamodb:GetItem on arn:aws:dynamodb:.*Traces/,
    );
    await expect(call).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });

  it('to a bucket is refused outside the granted prefix', async () => {
    const { s3, environment } = clientsOf('receive-traces');
    const put = (Key: string) =>
      s3.send(new PutObjectCommand({ Bucket: environment.TRACE_STORE_BUCKET, Key, Body: 'x' }));
    await expect(put('segments/1')).rejects.toMatchObject({ name: 'AccessDenied' });
    await expect(put('inbox/1')).resolves.toBeDefined();
  });

  it('to a queue is refused', async () => {
    const { sqs } = clientsOf('serve-api');
    const QueueUrl = stack.stack.outputs.get('EvaluationsQueueUrl');
    await expect(sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' }))).rejects.toThrow(
      /serve-api .* sqs:SendMessage/,
    );
  });
});

describe('an object put under a condition', () => {
  const put = async (Key: string, condition: { IfNoneMatch?: string; IfMatch?: string }) => {
    const { s3 } = stack.stack.clients();
    const Bucket = stack.stack.outputs.get('TraceStoreBucket');
    const { ETag } = await s3.send(new PutObjectCommand({ Bucket, Key, Body: randomUUID(), ...condition }));
    return ETag;
  };
  const refused = { name: 'PreconditionFailed', $metadata: { httpStatusCode: 412 } };

  it('is refused where there must be none and one is', async () => {
    await put('conditions/first', { IfNoneMatch: '*' });
    await expect(put('conditions/first', { IfNoneMatch: '*' })).rejects.toMatchObject(refused);
  });

  it('is refused where it has changed', async () => {
    const old = await put('conditions/changed', {});
    const current = await put('conditions/changed', { IfMatch: old ?? '' });
    await expect(put('conditions/changed', { IfMatch: old ?? '' })).rejects.toMatchObject(refused);
    expect(await put('conditions/changed', { IfMatch: current ?? '' })).toBeDefined();
    await expect(put('conditions/none', { IfMatch: old ?? '' })).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  it('is put once when several race', async () => {
    const results = await Promise.allSettled([1, 2, 3, 4].map(() => put('conditions/race', { IfNoneMatch: '*' })));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});

describe('a segment', () => {
  it('loses blocks to several who erase at once, and gets none back when it is written again', async () => {
    const { s3 } = stack.stack.clients();
    const store = s3SegmentStore(s3, stack.stack.outputs.get('TraceStoreBucket') ?? '');
    const bytes = randomBytes(60_000);
    const key = `segments/0/2026-11-21/${randomUUID()}`;
    const at = (i: number) => ({ hash: String(i), key, offset: i * 10_000, length: 4_000 });
    await store.put(key, bytes);
    await Promise.all([0, 1, 2, 3, 4, 5].map((i) => store.erase([at(i)])));
    await store.put(key, bytes);
    for (const i of [0, 1, 2, 3, 4, 5]) bytes.fill(0, at(i).offset, at(i).offset + at(i).length);
    const whole = await store.readBlock({ ...at(0), length: bytes.length });
    expect(Buffer.compare(whole, bytes)).toBe(0);
  });
});

describe('a function', () => {
  it('has the environment of the template and nothing of this machine but its path', () => {
    for (const { spec } of stack.stack.functions) {
      const own = Object.keys(spec.environment).filter((name) => !/^(AWS_|POWERTOOLS_|PATH$|TZ$)/.test(name));
      expect(
        own.every((name) => /_(TABLE|BUCKET|QUEUE_URL|STREAM|DAYS|FUNCTION|MODELS|DATABASE|STATE_MACHINE)$/.test(name)),
        own.join(),
      ).toBe(true);
    }
  });
});
