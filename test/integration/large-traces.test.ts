import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { exportRequest, type JsonSpan, spanIdOf } from '../support/in-memory/bodies.ts';
import { startTestStack, type TestStack } from '../support/local-stack.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack.stop());

const traces = '/api/3.0/mlflow/traces';

async function send(spans: readonly JsonSpan[]) {
  const reply = await stack.send(JSON.stringify(exportRequest(spans)), {
    headers: { 'content-type': 'application/json' },
  });
  expect(reply.status, reply.body.toString()).toBe(200);
}

async function start(traceId: string, spanCount: number) {
  const started = {
    trace_id: `tr-${traceId}`,
    trace_location: { mlflow_experiment: { experiment_id: '0' } },
    request_time: '2026-11-21T12:00:00Z',
    state: 'OK',
    trace_metadata: { 'mlflow.trace.sizeStats': JSON.stringify({ num_spans: spanCount }) },
  };
  const reply = await stack.api('POST', traces, { trace: { trace_info: started } });
  expect(reply.status, reply.body.toString()).toBe(200);
}

/** Follows a redirection as MLflow's clients do: to another host, without the key. */
async function follow(path: string) {
  const reply = await fetch(new URL(path, stack.stack.url), {
    headers: { authorization: `Bearer ${stack.adminKey}` },
    redirect: 'manual',
  });
  if (reply.status !== 307)
    return { redirected: false, bytes: Buffer.from(await reply.arrayBuffer()), status: reply.status };
  const there = await fetch(reply.headers.get('location') ?? '');
  return { redirected: true, bytes: Buffer.from(await there.arrayBuffer()), status: there.status };
}

type Whole = { trace_info: { trace_id: string }; spans: unknown[] };

it('a trace that its client has ended is read with the spans that are still in the queue', async () => {
  const traceId = randomBytes(16).toString('hex');
  await send([{ traceId, spanId: spanIdOf(0), start: 0, end: 1 }]);
  await start(traceId, 2);
  await send([{ traceId, spanId: spanIdOf(1), parentSpanId: spanIdOf(0), start: 0, end: 1 }]);
  const { bytes } = await follow(`${traces}/get?trace_id=tr-${traceId}&allow_partial=False`);
  expect((JSON.parse(bytes.toString()) as { trace: Whole }).trace.spans).toHaveLength(2);
});

it('a trace of 33,000 spans comes back whole, prepared within the time that the gateway waits', async () => {
  const traceId = randomBytes(16).toString('hex');
  const count = 33_000;
  for (let from = 0; from < count; from += 5_500) {
    const ids = Array.from({ length: Math.min(5_500, count - from) }, (_, i) => from + i);
    await send(
      ids.map((n) => ({
        traceId,
        spanId: spanIdOf(n),
        ...(n > 0 && { parentSpanId: spanIdOf(0) }),
        name: `step ${n}`,
        start: n / 1_000,
        end: n / 1_000 + 1,
        attributes: { 'mlflow.spanInputs': JSON.stringify({ step: n, text: 'some words about it' }) },
      })),
    );
  }
  await start(traceId, count);
  const began = performance.now();
  let read: Awaited<ReturnType<typeof follow>>;
  let spans: unknown[];
  do {
    read = await follow(`${traces}/get?trace_id=tr-${traceId}`);
    spans = (JSON.parse(read.bytes.toString()) as { trace: Whole }).trace.spans;
  } while (spans.length < count && performance.now() - began < 40_000);
  expect([spans.length, read.redirected, read.status]).toEqual([count, true, 200]);
  const again = performance.now();
  await follow(`${traces}/get?trace_id=tr-${traceId}`);
  expect(performance.now() - again, 'ms').toBeLessThan(15_000);
}, 120_000);

it('ten traces of 3 MB come back whole in one answer', async () => {
  const traceIds = Array.from({ length: 10 }, () => randomBytes(16).toString('hex'));
  for (const traceId of traceIds) {
    const outputs = randomBytes(1_500_000).toString('hex');
    await send([{ traceId, spanId: spanIdOf(0), start: 0, end: 1, attributes: { 'mlflow.spanOutputs': outputs } }]);
    await start(traceId, 1);
  }
  const query = traceIds.map((traceId) => `trace_ids=tr-${traceId}`).join('&');
  const began = performance.now();
  const { bytes, redirected } = await follow(`${traces}/batchGet?${query}`);
  expect(performance.now() - began, 'ms').toBeLessThan(20_000);
  const { traces: whole } = JSON.parse(bytes.toString()) as { traces: Whole[] };
  expect([whole.length, redirected]).toEqual([10, true]);
  for (const { spans } of whole) expect(JSON.stringify(spans).length).toBeGreaterThan(3_000_000);
}, 120_000);

it('an attachment comes back as it was sent, and one that no invocation takes is refused with 413', async () => {
  const traceId = randomBytes(16).toString('hex');
  await start(traceId, 0);
  const path = `/api/2.0/mlflow-artifacts/artifacts/0/traces/tr-${traceId}/artifacts/attachments/9f1c`;
  const put = (bytes: Buffer) =>
    fetch(new URL(path, stack.stack.url), {
      method: 'PUT',
      body: bytes,
      headers: { authorization: `Bearer ${stack.adminKey}`, 'content-type': 'application/octet-stream' },
    });
  const image = randomBytes(4_000_000);
  expect((await put(image)).status).toBe(200);
  const { bytes, redirected } = await follow(path);
  expect([Buffer.compare(bytes, image), redirected]).toEqual([0, true]);
  expect((await put(randomBytes(5_000_000))).status).toBe(413);
});
