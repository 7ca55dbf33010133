import { expect } from 'vitest';
import { exportRequest, type JsonSpan, spanIdOf } from '../support/in-memory/bodies.ts';
import type { TestStack } from '../support/local-stack.ts';

/** As many as a user had in one trace (github.com/mlflow/mlflow/issues/24314). */
const spanCount = 33_000;
const perRequest = 3_000;
const traceId = '5a'.repeat(16);

/** Sends a root with its children, attribute n from 1 to 32,999, and answers the trace's id. */
export async function sendLongTrace(stack: TestStack): Promise<string> {
  const created = await stack.api('POST', '/api/2.0/mlflow/experiments/create', { name: 'a long trace' });
  const headers = {
    'content-type': 'application/json',
    'x-mlflow-experiment-id': String(created.json().experiment_id),
  };
  for (let first = 0; first < spanCount; first += perRequest) {
    const spans = Array.from({ length: Math.min(perRequest, spanCount - first) }, (_, i) => span(first + i));
    const reply = await stack.send(JSON.stringify(exportRequest(spans)), { headers });
    expect(reply.status, reply.body.toString('utf8')).toBe(200);
  }
  await stack.stack.drain();
  return `tr-${traceId}`;
}

function span(n: number): JsonSpan {
  const common = { traceId, spanId: spanIdOf(n), start: n / 100, attributes: { n, text: `step ${n} of a long agent` } };
  if (n === 0) return { ...common, name: 'long agent', end: 400 };
  return { ...common, name: 'step', parentSpanId: spanIdOf(0), end: (n + 1) / 100 };
}
