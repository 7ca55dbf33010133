import { expect } from 'vitest';
import { exportRequest, type JsonSpan, spanIdOf } from '../support/in-memory/bodies.ts';
import type { TestStack } from '../support/local-stack.ts';

/** As many as a user had in one trace (github.com/mlflow/mlflow/issues/24314). */
const spanCount = 33_000;
const perRequest = 3_000;
const longTraceId = '5a'.repeat(16);

/** Sends a root with its children, attribute n from 1 to 32,999, and answers the trace's id. */
export async function sendLongTrace(stack: TestStack): Promise<string> {
  const experimentId = await createExperiment(stack, 'a long trace');
  for (let first = 0; first < spanCount; first += perRequest) {
    const count = Math.min(perRequest, spanCount - first);
    await send(stack, { experimentId, spans: Array.from({ length: count }, (_, i) => step(first + i)) });
  }
  return `tr-${longTraceId}`;
}

/** Sends ten traces of 3 MB each, attribute n from 0 to 9, and answers their experiment's id. */
export async function sendLargeTraces(stack: TestStack): Promise<string> {
  const experimentId = await createExperiment(stack, 'large traces');
  for (let n = 0; n < 10; n++) {
    const text = `${n} the quick brown fox ${n * 7919} jumps over `.repeat(75_000);
    const traceId = `${n}b`.repeat(16);
    const span = { traceId, spanId: spanIdOf(0), name: 'large', start: n, end: n + 1, attributes: { n, text } };
    await send(stack, { experimentId, spans: [span] });
  }
  return experimentId;
}

function step(n: number): JsonSpan {
  const common = { spanId: spanIdOf(n), start: n / 100, attributes: { n, text: `step ${n} of a long agent` } };
  if (n === 0) return { ...common, traceId: longTraceId, name: 'long agent', end: 400 };
  return { ...common, traceId: longTraceId, name: 'step', parentSpanId: spanIdOf(0), end: (n + 1) / 100 };
}

async function createExperiment(stack: TestStack, name: string): Promise<string> {
  const reply = await stack.api('POST', '/api/2.0/mlflow/experiments/create', { name });
  return String(reply.json().experiment_id);
}

async function send(
  stack: TestStack,
  { experimentId, spans }: { experimentId: string; spans: readonly JsonSpan[] },
): Promise<void> {
  const headers = { 'content-type': 'application/json', 'x-mlflow-experiment-id': experimentId };
  const reply = await stack.send(JSON.stringify(exportRequest(spans)), { headers });
  expect(reply.status, reply.body.toString('utf8')).toBe(200);
}
