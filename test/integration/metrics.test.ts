import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { exportRequest, type JsonSpan, spanIdOf, traceIdOf } from '../support/in-memory/bodies.ts';
import { startTestStack, type TestStack } from '../support/local-stack.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack.stop());

const base = '/api/3.0/mlflow/traces';
const traces = 12;

async function send(spans: readonly JsonSpan[], experimentId: string) {
  const headers = { 'content-type': 'application/json', 'x-mlflow-experiment-id': experimentId };
  expect((await stack.send(JSON.stringify(exportRequest(spans)), { headers })).status).toBe(200);
}

async function metrics(experimentId: string, asked: object): Promise<unknown> {
  const aggregations = [{ aggregation_type: 'COUNT' }];
  const body = { experiment_ids: [experimentId], aggregations, ...asked };
  const reply = await stack.api('POST', `${base}/metrics`, body);
  expect(reply.status, reply.body.toString('utf8')).toBe(200);
  return reply.json().data_points;
}

it('traces, their spans and their assessments are counted, and filters set against each other, over the wire', async () => {
  const created = await stack.api('POST', '/api/2.0/mlflow/experiments/create', { name: 'counted' });
  const id = String(created.json().experiment_id);
  for (let n = 0; n < traces; n++) {
    const root = { traceId: traceIdOf(n), spanId: spanIdOf(0), name: n % 3 ? 'chat' : 'agent', start: n, end: n + 1 };
    const tool = { ...root, spanId: spanIdOf(1), parentSpanId: spanIdOf(0), name: 'search' };
    await send([root, tool], id);
  }
  await vi.waitFor(async () => {
    expect(await metrics(id, { view_type: 'TRACES', metric_name: 'trace_count' })).toEqual([
      { metric_name: 'trace_count', dimensions: {}, values: { COUNT: traces } },
    ]);
  }, 60_000);
  for (let n = 0; n < 3; n++) {
    const assessment = { assessment_name: 'good', feedback: { value: n > 0 } };
    const reply = await stack.api('POST', `${base}/tr-${traceIdOf(n)}/assessments`, { assessment });
    expect(reply.status).toBe(200);
  }

  expect(await metrics(id, { view_type: 'SPANS', metric_name: 'span_count', dimensions: ['span_name'] })).toEqual([
    { metric_name: 'span_count', dimensions: { span_name: 'agent' }, values: { COUNT: 4 } },
    { metric_name: 'span_count', dimensions: { span_name: 'chat' }, values: { COUNT: 8 } },
    { metric_name: 'span_count', dimensions: { span_name: 'search' }, values: { COUNT: 12 } },
  ]);
  const average = { metric_name: 'assessment_value', aggregations: [{ aggregation_type: 'AVG' }] };
  expect(await metrics(id, { view_type: 'ASSESSMENTS', ...average })).toEqual([
    { metric_name: 'assessment_value', dimensions: {}, values: { AVG: 2 / 3 } },
  ]);
  const correlation = await stack.api('POST', `${base}/calculate-filter-correlation`, {
    experiment_ids: [id],
    filter_string1: "span.name = 'agent'",
    filter_string2: "feedback.good = 'false'",
    base_filter: 'feedback.good IS NOT NULL',
  });
  expect(correlation.json()).toMatchObject({
    npmi: 1,
    filter1_count: 1,
    filter2_count: 1,
    joint_count: 1,
    total_count: 3,
  });
}, 120_000);
