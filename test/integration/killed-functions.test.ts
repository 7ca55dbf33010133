import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { DeleteMessageCommand, ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openArchive } from '../../cli/archive.ts';
import { credentials } from '../../local/stack.ts';
import { region } from '../../local/template/physical-names.ts';
import { otlpJsonToProtobuf } from '../../shared/contracts/otlp/from-json.ts';
import { samplingCoordinate } from '../../shared/domain/sampling.ts';
import { exportRequest, type JsonSpan, spanIdOf, traceIdOf } from '../support/in-memory/bodies.ts';
import { startTestStack, type TestStack } from '../support/local-stack.ts';
import { traceStore } from '../support/stored-trace.ts';

const traces = 120;
const rate = 0.5;
let stack: TestStack;

beforeAll(async () => {
  stack = await startTestStack({ sweepSeconds: 2, firehoseSeconds: 2 });
  // Every batch comes twice, besides.
  for (const source of stack.stack.eventSources) source.deliversTwice = true;
});
afterAll(() => stack.stop());

/** Trace `n`, in two requests: its children, then its root. */
function requestsOf(n: number): readonly (readonly JsonSpan[])[] {
  const root = { traceId: traceIdOf(n), spanId: spanIdOf(0), name: 'agent', start: n, end: n + 5 };
  const children = [1, 2, 3].map((i) => ({
    ...root,
    spanId: spanIdOf(i),
    parentSpanId: spanIdOf(0),
    name: `step ${i}`,
  }));
  return [children, [root]];
}

async function send(spans: readonly JsonSpan[]): Promise<void> {
  const body = gzipSync(otlpJsonToProtobuf(JSON.stringify(exportRequest(spans))).body);
  for (;;) {
    const { status } = await stack.send(body, { headers: { 'content-encoding': 'gzip' } }).catch(() => ({ status: 0 }));
    // What was not acknowledged is sent again, as exporters do.
    if (status === 200) return;
    await sleep(50);
  }
}

async function startScorer(name: string): Promise<void> {
  const serialized = JSON.stringify({ name, serialization_version: 1, assay_heuristic: { type: 'error_free' } });
  await stack.api('POST', '/api/3.0/mlflow/scorers/register', {
    experiment_id: '0',
    name,
    serialized_scorer: serialized,
  });
  await stack.api('PUT', '/api/3.0/mlflow/scorers/online-config', { experiment_id: '0', name, sample_rate: rate });
}

/** Kills each function again and again while there is work; without malice at the end, so that the work can end. */
async function killWhile(work: Promise<unknown>): Promise<number> {
  let kills = 0;
  let isOver = false;
  void work.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    for (const { spec } of stack.stack.functions) {
      await sleep(100 + ((kills * 37) % 200));
      stack.stack.killFunction(spec.name);
      kills++;
    }
  }
  return kills;
}

/** A message whose receivers were all killed is a dead letter, which whoever operates the stack sends back. */
async function redriveDeadLetters(): Promise<void> {
  const { sqs } = stack.stack.clients();
  for (const QueueUrl of [
    stack.stack.outputs.get('ArrivalsQueueUrl'),
    stack.stack.outputs.get('EvaluationsQueueUrl'),
  ]) {
    const deadLetters = QueueUrl?.replace(/Queue[0-9A-F]+$/, (end) => deadLettersOf(end, QueueUrl));
    for (;;) {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl: deadLetters, MaxNumberOfMessages: 10 }),
      );
      if (Messages.length === 0) break;
      for (const { Body, ReceiptHandle } of Messages) {
        await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: Body }));
        await sqs.send(new DeleteMessageCommand({ QueueUrl: deadLetters, ReceiptHandle }));
      }
    }
  }
}

function deadLettersOf(end: string, url: string): string {
  const prefix = url.slice(url.lastIndexOf('/') + 1, -end.length);
  const name = Object.keys(stack.stack.queueDepths()).find((queue) => queue.startsWith(`${prefix}DeadLetters`));
  if (name === undefined) throw new Error(`${url} has no dead letters`);
  return name.slice(prefix.length);
}

/** What a death left undone between two calls, the sweep finds within half a minute. */
async function untilSettled(): Promise<void> {
  const store = traceStore(stack.stack);
  for (const until = Date.now() + 90_000; Date.now() < until; ) {
    await redriveDeadLetters();
    await stack.stack.drain(90_000);
    const records = await Promise.all(Array.from({ length: traces }, (_, n) => store.read(`tr-${traceIdOf(n)}`)));
    if (records.every(({ record: { info, unmerged } }) => info.dueAt === undefined && unmerged.length === 0)) return;
    await sleep(1_000);
  }
}

it('changes nothing that functions are killed at any moment and every batch is delivered twice', {
  timeout: 180_000,
}, async () => {
  await startScorer('half');
  const sending = (async () => {
    for (let n = 0; n < traces; n += 6)
      await Promise.all([0, 1, 2, 3, 4, 5].flatMap((i) => requestsOf(n + i).map(send)));
    await sleep(4_000);
  })();
  const kills = await killWhile(sending);
  expect(kills).toBeGreaterThan(20);
  await untilSettled();
  await stack.stack.flushFirehose();

  const ids = Array.from({ length: traces }, (_, n) => `tr-${traceIdOf(n)}`);
  const store = traceStore(stack.stack);
  for (const id of ids) {
    const { record, spans } = await store.read(id);
    expect(record.info).toMatchObject({ completeness: 'complete', facts: { spanCount: 4 } });
    expect(spans.map(({ spanId }) => spanId).toSorted()).toEqual([0, 1, 2, 3].map(spanIdOf));
    expect(record.assessments.map(({ name, value }) => ({ name, value }))).toEqual(
      samplingCoordinate(id) < rate ? [{ name: 'half', value: 'yes' }] : [],
    );
  }
  const client = { endpoint: stack.stack.endpoint, region, credentials: { ...credentials } };
  const archive = await openArchive({ client, workgroup: 'assay', database: 'assay' });
  await archive.createViews();
  const count = async (view: string) => Number((await archive.query(`SELECT count(*) FROM ${view}`)).rows[0]?.[0]);
  expect(await count('traces_current')).toBe(traces);
  expect(await count('spans_current')).toBe(traces * 4);
  expect(await count('assessments_current')).toBe(ids.filter((id) => samplingCoordinate(id) < rate).length);
  archive.close();
  expect(stack.stack.deadLetters()).toBe(0);
});
