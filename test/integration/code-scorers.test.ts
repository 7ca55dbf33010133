import { afterAll, beforeAll, expect, it } from 'vitest';
import { otlpJsonToProtobuf } from '../../shared/contracts/otlp/from-json.ts';
import { exportRequest, spanIdOf, traceIdOf } from '../support/in-memory/bodies.ts';
import { startTestStack, type TestStack } from '../support/local-stack.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack.stop());

const scorers = '/api/3.0/mlflow/scorers';
const javascript = (source: string) => ({ assay_code: { language: 'javascript', source } });
const python = (source: string, signature = '(inputs, outputs, trace)') => ({
  call_source: source,
  call_signature: signature,
  original_func_name: 'judge',
});

const registered: Readonly<Record<string, object>> = {
  js_short: javascript('(inputs, outputs) => ({ value: outputs.length < 100, rationale: inputs })'),
  js_endless: javascript('() => { for (;;); }'),
  js_several: javascript('() => [{ name: "one", value: 1 }, { name: "two", value: "2" }]'),
  py_length: python('import json\nreturn len(json.dumps(outputs))', '(outputs)'),
  py_feedback: python(
    'from mlflow.entities import Feedback\nreturn Feedback(value=trace.data.spans[0].name, rationale="r")',
  ),
  py_escape: python('import js\nreturn str(js.process.env)', '()'),
  own_missing: { assay_code: { language: 'lambda', function: 'assay-scorer-nobody' } },
};

interface Assessment {
  readonly assessment_name: string;
  readonly feedback: { readonly value?: unknown; readonly error?: { readonly error_code: string } };
  readonly rationale?: string;
  readonly source: { readonly source_type: string; readonly source_id: string };
}

it('judges a trace with code of every language, each failure its own', async () => {
  const tags = [{ key: 'assay.settleDelaySeconds', value: '0' }];
  const created = await stack.api('POST', '/api/2.0/mlflow/experiments/create', { name: 'code', tags });
  const { experiment_id } = created.json() as unknown as { experiment_id: string };
  for (const [name, body] of Object.entries(registered)) {
    const serialized_scorer = JSON.stringify({ name, serialization_version: 1, ...body });
    expect((await stack.api('POST', `${scorers}/register`, { experiment_id, name, serialized_scorer })).status).toBe(
      200,
    );
    const started = await stack.api('PUT', `${scorers}/online-config`, { experiment_id, name, sample_rate: 1 });
    expect(started.json()).toMatchObject({ config: { sample_rate: 1 } });
  }
  const attributes = { 'input.value': 'Where is my order?', 'output.value': 'On its way.' };
  const root = { traceId: traceIdOf(1), spanId: spanIdOf(0), name: 'answer', start: 0, end: 1, attributes };
  const { body } = otlpJsonToProtobuf(JSON.stringify(exportRequest([root])));
  const sent = await stack.send(body, { headers: { 'x-mlflow-experiment-id': experiment_id } });
  expect(sent.status).toBe(200);
  await stack.stack.drain();

  const got = await stack.api('GET', `/api/3.0/mlflow/traces/tr-${traceIdOf(1)}`);
  const { trace } = got.json() as unknown as { trace: { trace_info: { assessments: readonly Assessment[] } } };
  const found = trace.trace_info.assessments.map(({ assessment_name: name, feedback, rationale, source }) => [
    name,
    feedback.error?.error_code ?? feedback.value,
    rationale,
    `${source.source_type} ${source.source_id}`,
  ]);
  expect(found.toSorted()).toEqual(
    [
      ['js_endless', 'SCORER_TIMEOUT', undefined, 'CODE js_endless'],
      ['js_short', true, 'Where is my order?', 'CODE js_short'],
      ['one', 1, undefined, 'CODE js_several'],
      ['own_missing', 'SCORER_ERROR', undefined, 'CODE own_missing'],
      ['py_escape', 'SCORER_ERROR', undefined, 'CODE py_escape'],
      ['py_feedback', 'answer', 'r', 'CODE py_feedback'],
      ['py_length', 13, undefined, 'CODE py_length'],
      ['two', '2', undefined, 'CODE js_several'],
    ].toSorted(),
  );
  expect(stack.stack.deadLetters()).toBe(0);
});

it('refuses at registration what cannot be compiled', async () => {
  const serialized_scorer = JSON.stringify({ name: 'broken', ...javascript('(inputs) => {') });
  const refused = await stack.api('POST', `${scorers}/register`, {
    experiment_id: '0',
    name: 'broken',
    serialized_scorer,
  });
  expect(refused.status).toBe(400);
  expect(refused.json()).toEqual({
    error_code: 'INVALID_PARAMETER_VALUE',
    message: expect.stringContaining('source is no JavaScript'),
  });
});
