import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateQueueCommand, DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sqsArrivalQueue } from '../../../shared/adapters/sqs-arrival-queue.ts';
import { sendMessages } from '../../../shared/adapters/sqs-batch.ts';
import { sqsEvaluationQueue } from '../../../shared/adapters/sqs-evaluation-queue.ts';
import { arrivalMessage, type SpansMessage } from '../../../shared/contracts/arrival-message.ts';
import { anyEvaluationMessage, evaluationMessage } from '../../../shared/contracts/evaluation-message.ts';
import type { EvaluationRequest } from '../../../shared/domain/evaluation.ts';
import { localCredentials } from '../local-credentials.ts';

const mebibyte = 1024 * 1024;

/** What the adapters over SQS promise. */
export function describeQueueAdapters(name: string, endpoint: () => string): void {
  let client: SQSClient;

  beforeAll(() => {
    client = new SQSClient({ endpoint: endpoint(), ...localCredentials, md5: false });
  });

  afterAll(() => client?.destroy());

  async function aQueue(): Promise<string> {
    const Attributes = { MaximumMessageSize: String(mebibyte) };
    const command = new CreateQueueCommand({ QueueName: `suite-${randomUUID()}`, Attributes });
    const { QueueUrl } = await client.send(command);
    if (QueueUrl === undefined) throw new Error('the queue has no URL');
    return QueueUrl;
  }

  /** Takes all that can be received now off the queue. */
  async function drain(queueUrl: string): Promise<unknown[]> {
    const bodies: unknown[] = [];
    for (;;) {
      const command = new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 0 });
      const { Messages = [] } = await client.send(command);
      if (Messages.length === 0) return bodies;
      for (const { Body, ReceiptHandle } of Messages) {
        bodies.push(JSON.parse(Body ?? ''));
        await client.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));
      }
    }
  }

  describe(`the arrival queue on ${name}`, () => {
    const aMessage = (body: string): SpansMessage => ({
      v: 1,
      kind: 'spans',
      experimentId: '7',
      receivedAt: 1_780_315_200_000,
      format: 'protobuf',
      encoding: 'gzip',
      body,
    });
    const settled = async (queueUrl: string) =>
      (await drain(queueUrl)).map((body) => {
        const message = arrivalMessage.parse(body);
        return message.kind === 'settle' ? message.traceId : '?';
      });

    test('carries 512 KiB of encoded body as it was sent', async () => {
      const queueUrl = await aQueue();
      const message = aMessage('QUJD'.repeat(128 * 1024));
      await sqsArrivalQueue(client, queueUrl).send(message);
      expect((await drain(queueUrl)).map((body) => arrivalMessage.parse(body))).toEqual([message]);
    });

    test('fails where a message is larger than SQS takes', async () => {
      const queueUrl = await aQueue();
      await expect(sqsArrivalQueue(client, queueUrl).send(aMessage('x'.repeat(mebibyte)))).rejects.toThrow();
      expect(await drain(queueUrl)).toEqual([]);
    });

    test('sends settle messages once each, more than one call takes', async () => {
      const queueUrl = await aQueue();
      const traceIds = Array.from({ length: 95 }, (_, i) => `tr-${String(i).padStart(32, '0')}`);
      await sqsArrivalQueue(client, queueUrl).settle(traceIds, { delaySeconds: 0 });
      expect((await settled(queueUrl)).toSorted()).toEqual(traceIds);
    });

    test('holds settle messages back for their delay', async () => {
      const queueUrl = await aQueue();
      await sqsArrivalQueue(client, queueUrl).settle(['tr-1', 'tr-2'], { delaySeconds: 1.2 });
      expect(await settled(queueUrl)).toEqual([]);
      await sleep(2_300);
      expect((await settled(queueUrl)).toSorted()).toEqual(['tr-1', 'tr-2']);
    });

    test('asks for no longer delay than SQS takes', async () => {
      const queueUrl = await aQueue();
      await sqsArrivalQueue(client, queueUrl).settle(['tr-1'], { delaySeconds: 3_600 });
      expect(await settled(queueUrl)).toEqual([]);
    });
  });

  describe(`batches on ${name}`, () => {
    test('carry messages that together exceed what one call takes', async () => {
      const queueUrl = await aQueue();
      const texts = Array.from({ length: 12 }, (_, i) =>
        String(i)
          .repeat(300 * 1024)
          .slice(0, 300 * 1024),
      );
      await sendMessages(client, { queueUrl, messages: texts.map((text) => ({ body: JSON.stringify(text) })) });
      expect((await drain(queueUrl)).toSorted()).toEqual(texts.toSorted());
    });

    test('count bytes, not characters', async () => {
      const queueUrl = await aQueue();
      const texts = ['ä', 'ö', 'ü'].map((letter) => letter.repeat(250 * 1024));
      await sendMessages(client, { queueUrl, messages: texts.map((text) => ({ body: JSON.stringify(text) })) });
      expect((await drain(queueUrl)).toSorted()).toEqual(texts.toSorted());
    });

    test('carry a message as large as SQS takes', async () => {
      const queueUrl = await aQueue();
      const body = JSON.stringify('x'.repeat(mebibyte - 2));
      await sendMessages(client, { queueUrl, messages: [{ body: '1' }, { body }, { body: '2' }] });
      expect(await drain(queueUrl)).toHaveLength(3);
    });
  });

  describe(`the evaluation queue on ${name}`, () => {
    test('carries each request as one message', async () => {
      const queueUrl = await aQueue();
      const requests: EvaluationRequest[] = Array.from({ length: 23 }, (_, i) => ({
        traceId: `tr-${String(i).padStart(32, '0')}`,
        experimentId: '7',
        rulesVersion: 3,
        revision: 1,
        scorers: [
          { name: 'Länge & <Ton>', version: 2, sampleRate: 0.1 },
          { name: 'safety', version: 1, sampleRate: 1 },
        ],
      }));
      await sqsEvaluationQueue(client, queueUrl).request(requests);
      const received = (await drain(queueUrl)).map((body) => evaluationMessage.parse(body));
      expect(received.toSorted((a, b) => (a.traceId < b.traceId ? -1 : 1))).toEqual(
        requests.map((request) => ({ v: 1, kind: 'trace', ...request })),
      );
    });

    test('carries sessions beside traces', async () => {
      const queueUrl = await aQueue();
      const queue = sqsEvaluationQueue(client, queueUrl);
      const session = { experimentId: '7', sessionId: 'Gespräch & "1"', lastActivityAt: 1_780_000_000_000 };
      const trace = { traceId: 'tr-1', experimentId: '7', rulesVersion: 3, revision: 1, scorers: [] };
      await queue.requestSessions([session]);
      await queue.request([trace]);
      const received = (await drain(queueUrl)).map((body) => anyEvaluationMessage.parse(body));
      expect(received.toSorted((a, b) => (a.kind < b.kind ? -1 : 1))).toEqual([
        { v: 1, kind: 'session', ...session },
        { v: 1, kind: 'trace', ...trace },
      ]);
    });
  });
}
