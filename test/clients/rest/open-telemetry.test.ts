// The cases of MLflow's tests/tracing/test_otel_logging.py and test_otel_loading.py, each named as there.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonSpan } from '../../support/in-memory/bodies.ts';
import { eventually, type MlflowApi, newHex, startMlflowApi } from './mlflow-api.ts';

let api: MlflowApi;
beforeAll(async () => {
  api = await startMlflowApi();
});
afterAll(() => api?.stack.stop());

const protobuf = { 'content-type': 'application/x-protobuf' };

interface Whole {
  readonly trace_info: {
    readonly state: string;
    readonly request_preview?: string;
    readonly response_preview?: string;
    readonly trace_metadata: Readonly<Record<string, string>>;
    readonly tags: Readonly<Record<string, string>>;
    readonly assessments: readonly { readonly assessment_name: string }[];
  };
  readonly spans: readonly {
    readonly name: string;
    readonly parent_span_id?: string;
    readonly span_id: string;
    readonly attributes: readonly { readonly key: string; readonly value: object }[];
    readonly status?: object;
  }[];
}

function span(changes: Partial<JsonSpan> = {}): JsonSpan {
  return { traceId: newHex(32), spanId: newHex(16), name: 'otel-test-span', start: 0, end: 1, ...changes };
}

async function get(traceId: string): Promise<Whole> {
  return (await api.call('GET', '3.0/mlflow/traces/get', { trace_id: `tr-${traceId}` })).trace as unknown as Whole;
}

function attribute(trace: Whole, key: string): unknown {
  return trace.spans[0]?.attributes.find((one) => one.key === key)?.value;
}

/** Sends one span of these attributes and answers its trace. */
async function traceOf(experiment: string, attributes: Readonly<Record<string, string | number>>): Promise<Whole> {
  const id = await api.createExperiment(experiment);
  const sent = span({ attributes });
  await api.arrive(id, [sent]);
  return get(sent.traceId);
}

describe('what is received', () => {
  it.each([
    ['test_invalid_otel_span_format_returns_400', 'this is not valid protobuf data at all', protobuf],
    ['test_invalid_content_type_returns_400', new Uint8Array([10, 0]), { 'content-type': 'application/json' }],
  ])('%s', async (_, body, headers) => {
    expect((await api.stack.send(body, { headers })).status).toBe(400);
  });

  it.each([
    ['test_batch_span_processor_with_multiple_traces, test_multiple_traces_in_single_request', [1, 1, 1]],
    ['test_logging_many_traces_in_single_request', Array.from({ length: 15 }, () => 1)],
    ['test_mixed_trace_spans_in_single_request', [2, 1, 2]],
  ])('%s', async (name, counts) => {
    const id = await api.createExperiment(name);
    const traceIds = counts.map(() => newHex(32));
    const spans = counts.flatMap((count, i) =>
      Array.from({ length: count }, () => span({ traceId: traceIds[i] as string, start: i, end: i + 1 })),
    );
    // Mixed: no two neighbours of one trace.
    await api.arrive(
      id,
      spans.toSorted((a, b) => a.spanId.localeCompare(b.spanId)),
    );
    const { traces } = await api.search(id, { order_by: ['timestamp_ms ASC'] });
    expect(traces.map(({ trace_id: one }) => one)).toEqual(traceIds.map((one) => `tr-${one}`));
    expect(await Promise.all(traceIds.map(async (one) => (await get(one)).spans.length))).toEqual(counts);
  });
});

describe('what is loaded', () => {
  it('test_get_trace_for_otel_sent_span, test_get_trace_with_otel_span_status', async () => {
    const id = await api.createExperiment('otel-get-trace-test');
    const sent = span({
      attributes: { 'test.string': 'string-value', 'test.number': 42 },
      status: { code: 2, message: 'Something went wrong' },
    });
    await api.arrive(id, [sent]);
    const trace = await get(sent.traceId);
    expect(trace).toMatchObject({
      trace_info: { trace_id: `tr-${sent.traceId}`, state: 'ERROR' },
      spans: [{ name: 'otel-test-span', status: { code: 'STATUS_CODE_ERROR', message: 'Something went wrong' } }],
    });
    expect(attribute(trace, 'test.string')).toEqual({ string_value: 'string-value' });
    expect(attribute(trace, 'test.number')).toEqual({ int_value: expect.toSatisfy((n) => Number(n) === 42) });
  });

  it('test_get_trace_for_otel_nested_spans', async () => {
    const id = await api.createExperiment('otel-nested-spans-test');
    const parent = span({ name: 'parent-span' });
    await api.arrive(id, [parent, span({ traceId: parent.traceId, name: 'child-span', parentSpanId: parent.spanId })]);
    const { spans } = await get(parent.traceId);
    const byName = new Map(spans.map((one) => [one.name, one]));
    expect(byName.get('parent-span')?.parent_span_id).toBeFalsy();
    expect(byName.get('child-span')?.parent_span_id).toBe(byName.get('parent-span')?.span_id);
  });

  it('test_get_trace_nonexistent_otel_trace', async () => {
    const reply = await api.reply('GET', '3.0/mlflow/traces/get', { trace_id: `tr-${newHex(32)}` });
    expect([reply.status, reply.json()]).toMatchObject([404, { error_code: 'RESOURCE_DOES_NOT_EXIST' }]);
  });

  it('test_set_trace_tag_on_otel_trace, test_log_feedback_on_otel_trace, test_multiple_assessments_on_otel_trace', async () => {
    const id = await api.createExperiment('otel-tag-test');
    const sent = span();
    await api.arrive(id, [sent]);
    for (const [key, value] of [
      ['environment', 'test'],
      ['topic', 'quantum computing'],
    ]) {
      await api.call('PATCH', `2.0/mlflow/traces/tr-${sent.traceId}/tags`, { key, value });
    }
    const names = ['expected_quality', 'accuracy', 'clarity', 'helpfulness', 'contains_errors'];
    for (const name of names) {
      await api.call('POST', `3.0/mlflow/traces/tr-${sent.traceId}/assessments`, {
        assessment: {
          assessment_name: name,
          source: { source_type: 'HUMAN', source_id: 'expert@physics.edu' },
          ...(name === 'expected_quality' ? { expectation: { value: 'good' } } : { feedback: { value: true } }),
        },
      });
    }
    const { trace_info: info } = await get(sent.traceId);
    expect(info.tags).toMatchObject({ environment: 'test', topic: 'quantum computing' });
    expect(info.assessments.map(({ assessment_name: name }) => name)).toEqual(names);
    const { traces } = await api.search(id, { filter: 'tags.topic = "quantum computing"' });
    expect(traces.map(({ trace_id: one }) => one)).toEqual([`tr-${sent.traceId}`]);
  });

  it.each([
    ['openinference.span.kind', 'LLM', 'LLM'],
    ['openinference.span.kind', 'RETRIEVER', 'RETRIEVER'],
    ['traceloop.span.kind', 'tool', 'TOOL'],
  ])('test_span_kind_translation: %s %s', async (key, value, type) => {
    const trace = await traceOf(`span-kind-translation-test ${key} ${value}`, { [key]: value });
    expect(attribute(trace, 'mlflow.spanType')).toEqual({ string_value: type });
  });

  // The first key of each translator (mlflow/tracing/otel/translation).
  it.each([
    ['gen_ai', 'gen_ai.input.messages', 'gen_ai.output.messages'],
    ['open inference', 'input.value', 'output.value'],
    ['traceloop', 'traceloop.entity.input', 'traceloop.entity.output'],
  ])('test_span_inputs_outputs_translation: %s', async (dialect, input, output) => {
    const trace = await traceOf(`inputs and outputs ${dialect}`, { [input]: 'Hello, world!', [output]: 'Bye!' });
    expect(attribute(trace, 'mlflow.spanInputs')).toEqual({ string_value: 'Hello, world!' });
    expect(attribute(trace, 'mlflow.spanOutputs')).toEqual({ string_value: 'Bye!' });
    // MLflow's server puts quotes around a text; a preview is for people.
    expect(trace.trace_info).toMatchObject({ request_preview: 'Hello, world!', response_preview: 'Bye!' });
  });

  const tokenKeys: readonly [string, string, string][] = [
    ['gen_ai', 'gen_ai.usage.input_tokens', 'gen_ai.usage.output_tokens'],
    ['open inference', 'llm.token_count.prompt', 'llm.token_count.completion'],
    ['traceloop', 'gen_ai.usage.prompt_tokens', 'gen_ai.usage.completion_tokens'],
  ];

  it.each(tokenKeys)('test_span_token_usage_translation: %s', async (dialect, input, output) => {
    const { trace_info: info } = await traceOf(`tokens ${dialect}`, { [input]: 100, [output]: 50 });
    expect(JSON.parse(info.trace_metadata['mlflow.trace.tokenUsage'] ?? '{}')).toEqual({
      input_tokens: 100,
      output_tokens: 50,
      total_tokens: 150,
    });
  });

  it.each(tokenKeys)('test_aggregated_token_usage_from_multiple_spans: %s', async (dialect, input, output) => {
    const id = await api.createExperiment(`aggregated tokens ${dialect}`);
    const parent = span();
    const child = (name: string, usage: readonly [number, number]) =>
      span({
        traceId: parent.traceId,
        parentSpanId: parent.spanId,
        name,
        attributes: { [input]: usage[0], [output]: usage[1] },
      });
    await api.arrive(id, [parent, child('call 1', [200, 75]), child('call 2', [150, 100])]);
    await eventually(async () => {
      const { trace_info: info } = await get(parent.traceId);
      expect(JSON.parse(info.trace_metadata['mlflow.trace.tokenUsage'] ?? '{}')).toEqual({
        input_tokens: 350,
        output_tokens: 175,
        total_tokens: 525,
      });
    });
  });
});
