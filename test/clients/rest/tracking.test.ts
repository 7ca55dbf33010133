// The cases of MLflow's tests/tracking/test_rest_tracking.py for experiments, traces and runs, each named as there.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type MlflowApi, newHex, startMlflowApi } from './mlflow-api.ts';

let api: MlflowApi;
beforeAll(async () => {
  api = await startMlflowApi();
});
afterAll(() => api?.stack.stop());

const experiments = '2.0/mlflow/experiments';
const traces = '3.0/mlflow/traces';
const never = 1e15;

interface StartTrace {
  readonly state?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly attributes?: Readonly<Record<string, string>>;
}

let second = 0;

/** A trace of one span with its explicit info, as a client sends it. */
async function createTrace(experimentId: string, name: string, trace: StartTrace = {}): Promise<string> {
  const { state = 'OK', tags = {}, metadata = {}, attributes = {} } = trace;
  const hex = newHex(32);
  const start = second++;
  await api.sendSpans(experimentId, [
    {
      traceId: hex,
      spanId: newHex(16),
      name,
      start,
      end: start + 1,
      attributes,
      status: { code: state === 'OK' ? 1 : 2 },
    },
  ]);
  await api.call('POST', traces, {
    trace: {
      trace_info: {
        trace_id: `tr-${hex}`,
        trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experimentId } },
        request_time: new Date(Date.UTC(2026, 10, 21, 12, 0, start)).toISOString(),
        execution_duration: '1s',
        state,
        tags: { 'mlflow.traceName': name, ...tags },
        // With the number of its spans, by which readers know what to wait for.
        trace_metadata: {
          'mlflow.trace_schema.version': '3',
          'mlflow.trace.sizeStats': '{"num_spans": 1}',
          ...metadata,
        },
      },
    },
  });
  return `tr-${hex}`;
}

async function found(experimentId: string, options: object = {}): Promise<readonly string[]> {
  return (await api.search(experimentId, options)).traces.map(({ trace_id: id }) => id);
}

async function infoOf(traceId: string) {
  const { trace } = (await api.call('GET', `${traces}/${traceId}`)) as unknown as {
    trace: { trace_info: Readonly<Record<string, never>> };
  };
  return trace.trace_info;
}

async function exists(traceId: string): Promise<boolean> {
  return (await api.reply('GET', `${traces}/${traceId}`)).status === 200;
}

describe('experiments', () => {
  const namesOf = async (options: object) => {
    const answer = await api.call('POST', `${experiments}/search`, { max_results: 1000, ...options });
    return ((answer.experiments ?? []) as readonly { name: string }[]).map(({ name }) => name);
  };

  it('test_create_get_search_experiment', async () => {
    const tags = ['key1', 'key2'].map((key) => ({ key, value: `val of ${key}` }));
    const created = await api.call('POST', `${experiments}/create`, { name: 'My Experiment', tags });
    const id = String(created.experiment_id);
    expect(await api.call('GET', `${experiments}/get`, { experiment_id: id })).toMatchObject({
      experiment: { name: 'My Experiment', lifecycle_stage: 'active', tags: expect.arrayContaining(tags) },
    });
    await api.call('POST', `${experiments}/delete`, { experiment_id: id });
    expect(await namesOf({ view_type: 'ACTIVE_ONLY' })).not.toContain('My Experiment');
    expect(await namesOf({ view_type: 'DELETED_ONLY' })).toEqual(['My Experiment']);
    expect(await namesOf({ view_type: 'ALL' })).toEqual(expect.arrayContaining(['My Experiment', 'Default']));
    const first = await api.call('POST', `${experiments}/search`, { max_results: 1, view_type: 'ALL' });
    expect(first).toMatchObject({ experiments: [{}], next_page_token: expect.any(String) });
  });

  it.each([
    [{}, 'name'],
    [{ name: 123 }, 'name'],
    [{ name: 'tags that are none', tags: '5' }, 'tags'],
  ])('test_create_experiment_validation: %j', async (body, field) => {
    const reply = await api.reply('POST', `${experiments}/create`, body);
    expect([reply.status, reply.json()]).toEqual([
      400,
      { error_code: 'INVALID_PARAMETER_VALUE', message: expect.stringContaining(field) },
    ]);
  });

  it('test_delete_restore_experiment, test_rename_experiment', async () => {
    const id = await api.createExperiment('BadName');
    const stage = async () => (await api.call('GET', `${experiments}/get`, { experiment_id: id })).experiment;
    await api.call('POST', `${experiments}/delete`, { experiment_id: id });
    expect(await stage()).toMatchObject({ lifecycle_stage: 'deleted' });
    await api.call('POST', `${experiments}/restore`, { experiment_id: id });
    await api.call('POST', `${experiments}/update`, { experiment_id: id, new_name: 'GoodName' });
    expect(await stage()).toMatchObject({ lifecycle_stage: 'active', name: 'GoodName' });
  });

  it('test_set_experiment_tag, test_delete_experiment_tag', async () => {
    const id = await api.createExperiment('SetExperimentTagTest');
    await api.call('POST', `${experiments}/set-experiment-tag`, {
      experiment_id: id,
      key: 'dataset',
      value: 'imagenet1K',
    });
    await api.call('POST', `${experiments}/set-experiment-tag`, {
      experiment_id: id,
      key: 'multiline',
      value: 'a\nb\nc',
    });
    const tags = async () => (await api.call('GET', `${experiments}/get`, { experiment_id: id })).experiment;
    expect(await tags()).toMatchObject({
      tags: expect.arrayContaining([
        { key: 'dataset', value: 'imagenet1K' },
        { key: 'multiline', value: 'a\nb\nc' },
      ]),
    });
    await api.call('POST', `${experiments}/delete-experiment-tag`, { experiment_id: id, key: 'dataset' });
    expect(JSON.stringify(await tags())).not.toContain('imagenet1K');
  });
});

describe('traces', () => {
  it('test_start_trace', async () => {
    const id = await api.createExperiment('start end trace');
    const traceId = await createTrace(id, 'test', {
      tags: { tag1: 'football', tag2: 'basketball' },
      metadata: { meta1: 'apple', meta2: 'grape' },
    });
    expect(await infoOf(traceId)).toMatchObject({
      trace_id: traceId,
      trace_location: { mlflow_experiment: { experiment_id: id } },
      state: 'OK',
      execution_duration: expect.stringMatching(/^1(\.0+)?s$/),
      tags: { tag1: 'football', tag2: 'basketball', 'mlflow.trace.spansLocation': 'TRACKING_STORE' },
      trace_metadata: { meta1: 'apple', meta2: 'grape', 'mlflow.trace_schema.version': '3' },
    });
  });

  it.each(['True', 'False'])('test_get_trace, test_get_trace_handler, allow_partial=%s', async (allowPartial) => {
    const id = await api.createExperiment(`get trace ${allowPartial}`);
    const traceId = await createTrace(id, 'test', { attributes: { fruit: 'apple' } });
    const get = async () =>
      (await api.call('GET', `${traces}/get`, { trace_id: traceId, allow_partial: allowPartial })).trace;
    // What is there so far may be asked for; otherwise the answer waits for the spans.
    const trace = await (allowPartial === 'True' ? eventually(whole) : get());
    expect(trace).toMatchObject({
      trace_info: { trace_id: traceId, state: 'OK' },
      spans: [{ name: 'test', status: { code: 'STATUS_CODE_OK' } }],
    });
    expect((trace as { spans: [{ attributes: unknown[] }] }).spans[0].attributes).toContainEqual({
      key: 'fruit',
      value: { string_value: 'apple' },
    });

    async function whole() {
      const answer = await get();
      expect(answer).toMatchObject({ spans: [{}] });
      return answer;
    }
  });

  it('test_search_traces', async () => {
    const id = await api.createExperiment('search traces');
    const [one, two, three] = [
      await createTrace(id, 'trace1'),
      await createTrace(id, 'trace2'),
      await createTrace(id, 'trace3', { state: 'ERROR' }),
    ];
    const all = await api.search(id);
    expect([all.traces.map(({ trace_id: t }) => t), all.next_page_token]).toEqual([[three, two, one], undefined]);
    expect(await found(id, { filter: "status = 'OK'", order_by: ['timestamp ASC'] })).toEqual([one, two]);
    const first = await api.search(id, { max_results: 2 });
    expect(first.traces.map(({ trace_id: t }) => t)).toEqual([three, two]);
    const second = await api.search(id, { page_token: first.next_page_token });
    expect([second.traces.map(({ trace_id: t }) => t), second.next_page_token]).toEqual([[one], undefined]);
  });

  it.each([[{ max_results: 501 }], [{ max_results: 0 }], [{ page_token: 'x' }], [{ filter: 'mood' }]])(
    'test_search_traces_parameter_validation: %j',
    async (options) => {
      const locations = [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '0' } }];
      const reply = await api.reply('POST', `${traces}/search`, { locations, ...options });
      expect([reply.status, reply.json()]).toMatchObject([400, { error_code: 'INVALID_PARAMETER_VALUE' }]);
    },
  );

  it('test_search_traces_match_text', async () => {
    const id = await api.createExperiment('search traces full text');
    const one = await createTrace(id, 'trace1', { attributes: { test: 'value1' } });
    const two = await createTrace(id, 'trace2', { attributes: { test: 'value2' } });
    const three = await createTrace(id, 'trace3', { attributes: { test3: 'I like it' } });
    await eventually(async () =>
      expect(await found(id, { filter: "trace.text LIKE '%trace%'" })).toEqual([three, two, one]),
    );
    expect(await found(id, { filter: "trace.text LIKE '%value%'" })).toEqual([two, one]);
    expect(await found(id, { filter: "trace.text LIKE '%I like it%'" })).toEqual([three]);
  });

  it('test_delete_traces', async () => {
    const id = await api.createExperiment('delete traces');
    const remove = async (options: object) =>
      (await api.call('POST', '2.0/mlflow/traces/delete-traces', { experiment_id: id, ...options })).traces_deleted;
    const both = [await createTrace(id, 'trace1'), await createTrace(id, 'trace2', { state: 'ERROR' })];
    expect(await remove({ max_timestamp_millis: never })).toBe(2);
    expect(await Promise.all(both.map(exists))).toEqual([false, false]);
    const [older, newer] = [await createTrace(id, 'trace1'), await createTrace(id, 'trace2')];
    expect(await remove({ max_traces: 1, max_timestamp_millis: never })).toBe(1);
    expect([await exists(older), await exists(newer)], 'the older goes first').toEqual([false, true]);
    const [named, other] = [await createTrace(id, 'trace1'), await createTrace(id, 'trace2')];
    expect(await remove({ request_ids: [named] })).toBe(1);
    expect([await exists(named), await exists(other)]).toEqual([false, true]);
  });

  it('test_calculate_trace_filter_correlation', async () => {
    const id = await api.createExperiment('correlation test');
    for (let i = 0; i < 6; i++) await createTrace(id, `prod ${i}`, { tags: { env: 'prod', span_type: 'TOOL' } });
    for (let i = 0; i < 4; i++)
      await createTrace(id, `dev ${i}`, { tags: { env: 'dev', span_type: i ? 'LLM' : 'TOOL' } });
    const correlate = (first: string, second: string) => ({
      experiment_ids: [id],
      filter_string1: first,
      filter_string2: second,
    });
    const path = `${traces}/calculate-filter-correlation`;
    const tools = await api.call('POST', path, correlate("tags.env = 'prod'", "tags.span_type = 'TOOL'"));
    expect(tools).toMatchObject({ total_count: 10, filter1_count: 6, filter2_count: 7, joint_count: 6 });
    expect(Number(tools.npmi)).toBeGreaterThan(0.6);
    expect(Number(tools.npmi)).toBeLessThan(0.8);
    expect(Number(tools.npmi_smoothed)).not.toBeNaN();
    const models = await api.call('POST', path, correlate("tags.env = 'dev'", "tags.span_type = 'LLM'"));
    expect(models).toMatchObject({ total_count: 10, filter1_count: 4, filter2_count: 3, joint_count: 3 });
    expect(Number(models.npmi)).toBeGreaterThan(0.5);
    const none = await api.call('POST', path, correlate("tags.env = 'staging'", "tags.span_type = 'TOOL'"));
    expect(none).toMatchObject({ total_count: 10, filter1_count: 0, filter2_count: 7, joint_count: 0 });
    const wrong = await api.reply('POST', path, correlate("invalid.filter = 'test'", "tags.span_type = 'TOOL'"));
    expect([wrong.status, wrong.json()]).toMatchObject([400, { message: expect.stringContaining('Invalid') }]);
  });

  it('test_set_and_delete_trace_tag', async () => {
    const id = await api.createExperiment('set delete tag');
    const traceId = await createTrace(id, 'test', { tags: { tag1: 'red', tag2: 'blue' } });
    await api.call('PATCH', `2.0/mlflow/traces/${traceId}/tags`, { key: 'tag1', value: 'green' });
    expect(await infoOf(traceId)).toMatchObject({ tags: { tag1: 'green', tag2: 'blue' } });
    await api.call('DELETE', `2.0/mlflow/traces/${traceId}/tags`, { key: 'tag2' });
    expect((await infoOf(traceId)).tags).not.toHaveProperty('tag2');
    expect((await api.reply('DELETE', `2.0/mlflow/traces/${traceId}/tags`, { key: 'tag2' })).status).toBe(404);
  });

  it('test_query_trace_metrics', async () => {
    const id = await api.createExperiment('query trace metrics');
    await createTrace(id, 'trace1');
    await createTrace(id, 'trace2');
    await createTrace(id, 'trace3', { state: 'ERROR' });
    const answer = await api.call('POST', `${traces}/metrics`, {
      experiment_ids: [id],
      view_type: 'TRACES',
      metric_name: 'trace_count',
      aggregations: [{ aggregation_type: 'COUNT' }],
      dimensions: ['trace_status'],
    });
    expect(answer.data_points).toEqual([
      { metric_name: 'trace_count', dimensions: { trace_status: 'ERROR' }, values: { COUNT: 1 } },
      { metric_name: 'trace_count', dimensions: { trace_status: 'OK' }, values: { COUNT: 2 } },
    ]);
  });

  it('test_link_traces_to_run_and_search_traces', async () => {
    const id = await api.createExperiment('link traces to run test');
    const { run } = (await api.call('POST', '2.0/mlflow/runs/create', { experiment_id: id, start_time: 1 })) as never;
    const runId = (run as { info: { run_id: string } }).info.run_id;
    const inside = await createTrace(id, 'trace1', { metadata: { 'mlflow.sourceRun': runId } });
    const linked = await createTrace(id, 'trace2');
    const neither = await createTrace(id, 'trace3');
    await api.call('POST', '2.0/mlflow/traces/link-to-run', { trace_ids: [linked], run_id: runId });
    expect(await found(id)).toEqual([neither, linked, inside]);
    expect(await found(id, { filter: `attribute.run_id = '${runId}'` })).toEqual([linked, inside]);
  });
});
