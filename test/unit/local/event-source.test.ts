import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { type FauxqsServer, startFauxqs } from 'fauxqs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EventSource } from '../../../local/lambda/event-source.ts';
import { FunctionPool } from '../../../local/lambda/function-pool.ts';

const queue = 'work';
let folder: string;
let fauxqs: FauxqsServer;
let sqs: SQSClient;
let pool: FunctionPool;
let source: EventSource;
const invocations: string[][] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'assay-test-'));
  fauxqs = await startFauxqs({ port: 0, logger: false, host: '127.0.0.1' });
  fauxqs.createQueue(queue, { attributes: { VisibilityTimeout: '300' } });
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  sqs = new SQSClient({ endpoint: `http://127.0.0.1:${fauxqs.port}`, region: 'us-east-1', credentials });
  invocations.length = 0;
});
afterEach(async () => {
  await source.stop();
  await pool.stop();
  await fauxqs.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Starts a function on the queue; it is given the bodies of a batch and the records. */
function start(body: string, { batchSize = 10, batchingWindowSeconds = 0 } = {}): void {
  writeFileSync(
    join(folder, 'index.mjs'),
    `let calls = 0;
     export const handler = async ({ Records }) => {
       calls++;
       const bodies = Records.map(({ body }) => body.slice(0, 10));
       console.log(JSON.stringify(bodies));
       ${body}
     };`,
  );
  const limits = { timeoutSeconds: 10, memoryMb: 256, maxConcurrency: 1, environment: {} };
  const note = (line: string) => {
    for (const [, bodies] of line.matchAll(/(\[.*\])$/gm)) invocations.push(JSON.parse(bodies ?? ''));
  };
  pool = new FunctionPool({ name: 'worker', folder, handler: 'index.handler', ...limits }, note);
  const spec = { queueUrl: url(), queueArn: 'arn', batchSize, batchingWindowSeconds, maxConcurrency: 2 };
  source = new EventSource(spec, { sqs, pool, log: () => undefined });
  source.start();
}

function url(): string {
  return `http://127.0.0.1:${fauxqs.port}/000000000000/${queue}`;
}

async function send(...bodies: readonly string[]): Promise<void> {
  const Entries = bodies.map((MessageBody, i) => ({ Id: String(i), MessageBody }));
  await sqs.send(new SendMessageBatchCommand({ QueueUrl: url(), Entries }));
}

function left(): number {
  const { ready, delayed, inflight } = fauxqs.inspectQueue(queue)?.messages ?? { ready: [], delayed: [], inflight: [] };
  return ready.length + delayed.length + inflight.length;
}

/** The queue is empty, after so many invocations. */
const settled = (count: number) =>
  vi.waitFor(() => expect([left(), invocations.length]).toEqual([0, count]), { timeout: 10_000, interval: 50 });

describe('messages of a batch', () => {
  it('come back alone when they are reported as failed', async () => {
    await send('good', 'bad');
    start(`return { batchItemFailures: calls > 1 ? [] : Records.filter(({ body }) => body === 'bad')
      .map(({ messageId }) => ({ itemIdentifier: messageId })) };`);
    await settled(2);
    expect(invocations).toEqual([['good', 'bad'], ['bad']]);
  });

  it.each([
    ['the function throws', `if (calls === 1) throw new Error('no');`],
    [
      'it reports a message that it was not given',
      `return { batchItemFailures: calls > 1 ? [] : [{ itemIdentifier: 'x' }] };`,
    ],
    ['it reports a failure without an id', `return { batchItemFailures: calls > 1 ? [] : [{ itemIdentifier: '' }] };`],
  ])('all come back when %s', async (_, body) => {
    await send('a', 'b');
    start(body);
    await settled(2);
    expect(invocations[1]?.toSorted()).toEqual(['a', 'b']);
  });

  it('all come back when the process dies', async () => {
    await send('a', 'b');
    writeFileSync(join(folder, 'first'), '');
    start(`const { existsSync, rmSync } = await import('node:fs');
      const first = ${JSON.stringify(join(folder, 'first'))};
      if (existsSync(first)) { rmSync(first); await new Promise((r) => setTimeout(r, 50)); process.exit(1); }`);
    await settled(2);
    expect(invocations[1]?.toSorted()).toEqual(['a', 'b']);
  });
});

describe('a batch', () => {
  it('waits for its window, to be as large as it may', async () => {
    await send('a', 'b');
    start('', { batchSize: 100, batchingWindowSeconds: 1 });
    await send('c', 'd');
    await settled(1);
    expect(invocations[0]).toHaveLength(4);
  });

  it('is never more than Lambda takes', async () => {
    for (let n = 0; n < 8; n++) await send(`${n} ${'x'.repeat(1_000_000)}`);
    start('', { batchSize: 100, batchingWindowSeconds: 1 });
    await vi.waitFor(() => expect(left()).toBe(0), { timeout: 10_000 });
    expect(invocations.flat()).toHaveLength(8);
    expect(Math.max(...invocations.map((batch) => batch.length))).toBeLessThanOrEqual(6);
  });

  it('comes twice when tests ask for it', async () => {
    await send('a');
    start('');
    source.deliversTwice = true;
    await settled(2);
  });
});
