import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoTraceIndex } from '../../../../shared/adapters/dynamo-trace-index.ts';
import type { Assessment } from '../../../../shared/domain/assessment.ts';
import type { TraceInfo } from '../../../../shared/domain/trace.ts';
import { aTraceId, aTraceInfo, noon } from '../../../support/builders/a-trace-info.ts';
import { type Api, callerOf, startApi } from './an-api.ts';

let api: Api;
const settled: { traceIds: readonly string[]; delaySeconds: number }[] = [];
const archived: Assessment[] = [];
const stored = new Map<string, Uint8Array>();
beforeAll(async () => {
  const started = await startApi();
  const deps = {
    ...started.deps,
    settleQueue: {
      settle: async (traceIds: readonly string[], { delaySeconds }: { delaySeconds: number }) =>
        void settled.push({ traceIds, delaySeconds }),
    },
    archive: { addAssessments: async (rows: readonly Assessment[]) => void archived.push(...rows) },
    attachments: {
      put: async ({ name }: { name: string }, bytes: Uint8Array) => void stored.set(name, bytes),
      urlOf: async ({ experimentId, traceId, name }: { experimentId: string; traceId: string; name: string }) =>
        `https://storage.example/${experimentId}/${traceId}/${name}`,
      remove: async ({ name }: { name: string }) => void stored.delete(name),
    },
  };
  api = { ...started, deps, call: callerOf(deps) };
}, 60_000);
afterAll(() => api.stop());

const v3 = '/api/3.0/mlflow/traces';
const v2 = '/api/2.0/mlflow/traces';

async function found(given: Parameters<typeof aTraceInfo>[0] = {}): Promise<TraceInfo> {
  const info = aTraceInfo({ experimentId: '0', ...given });
  await dynamoTraceIndex(api.tables.client, api.tables.traces, { retentionDays: 30 }).foundTraces([info]);
  return info;
}

function started(traceId: string, given: object = {}) {
  return {
    trace: {
      trace_info: {
        trace_id: traceId,
        trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '0' } },
        request_time: '2026-06-01T12:00:00.500Z',
        execution_duration: '0.143s',
        state: 'OK',
        trace_metadata: { 'mlflow.trace.sizeStats': '{"num_spans": 3}' },
        tags: { 'mlflow.traceName': 'agent' },
        ...given,
      },
    },
  };
}

type Traces = readonly { trace_id: string; tags: Record<string, string>; assessments: Record<string, unknown>[] }[];

async function search(rest: object, experimentId = '0') {
  const locations = [{ mlflow_experiment: { experiment_id: experimentId } }];
  const { body } = await api.call('POST', `${v3}/search`, { locations, ...rest });
  expect(body.error_code, String(body.message)).toBeUndefined();
  return body as { traces: Traces; next_page_token?: string; searched_until?: string };
}

const idsOf = (traces: Traces) => traces.map(({ trace_id: id }) => id);

describe('start trace', () => {
  it('keeps what the client says, answers it, and asks for settling', async () => {
    const traceId = aTraceId();
    const wanted = started(traceId, {
      client_request_id: 'cr-9',
      request_preview: 'What is it?',
      trace_metadata: {
        'mlflow.trace.session': 's9',
        'mlflow.trace.tokenUsage': '{"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}',
      },
      assessments: [
        {
          assessment_name: 'ok',
          source: { source_type: 'HUMAN', source_id: 'a' },
          feedback: { value: true },
          create_time: '2026-06-01T12:00:01Z',
        },
      ],
    });
    const { status, body } = await api.call('POST', v3, wanted);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      trace: {
        trace_info: {
          trace_id: traceId,
          client_request_id: 'cr-9',
          request_time: '2026-06-01T12:00:00.500Z',
          execution_duration: '0.143s',
          state: 'OK',
          request_preview: 'What is it?',
          trace_metadata: {
            'mlflow.trace.session': 's9',
            'mlflow.trace.tokenUsage': expect.stringContaining('"total_tokens":15'),
          },
          tags: { 'mlflow.traceName': 'agent', 'mlflow.trace.spansLocation': 'TRACKING_STORE' },
          assessments: [{ assessment_name: 'ok' }],
        },
      },
    });
    expect(settled.at(-1)).toEqual({ traceIds: [traceId], delaySeconds: 5 });
    const again = await api.call('POST', v3, wanted);
    expect(again.body).toEqual(body);
    expect((await search({ filter: "client_request_id = 'cr-9'" })).traces).toHaveLength(1);
    expect((await search({ filter: "client_request_id = 'cr-9'" })).traces[0]?.assessments).toHaveLength(1);
  });

  it.each([
    ['an id that is none', started('tr-1'), 400, /tr-/],
    ['a time that is none', started(aTraceId(), { request_time: 'yesterday' }), 400, /RFC 3339/],
    [
      'an experiment that is none',
      started(aTraceId(), { trace_location: { mlflow_experiment: { experiment_id: '99' } } }),
      404,
      /id=99/,
    ],
    [
      'more than an item holds',
      started(aTraceId(), { trace_metadata: { a: 'x'.repeat(400_000) } }),
      400,
      /350,000 bytes/,
    ],
  ])('refuses %s', async (_, body, status, message) => {
    const refused = await api.call('POST', v3, body);
    expect([refused.status, refused.body.message]).toEqual([status, expect.stringMatching(message)]);
  });

  it('refuses a trace of another experiment', async () => {
    const { traceId } = await found({ experimentId: '7' });
    const refused = await api.call('POST', v3, started(traceId));
    expect([refused.status, refused.body.message]).toEqual([400, expect.stringMatching(/another experiment/)]);
  });
});

describe('tags', () => {
  it.each([v2, v3])('are set and deleted under %s', async (base) => {
    const { traceId } = await found();
    const path = `${base}/${traceId}/tags`;
    expect(await api.call('PATCH', path, { key: 'a.b', value: 'x' })).toMatchObject({ status: 200, body: {} });
    expect((await search({ filter: `request_id = '${traceId}'` })).traces[0]?.tags['a.b']).toBe('x');
    expect((await api.call('DELETE', path, { key: 'a.b' })).status).toBe(200);
    const missing = await api.call('DELETE', path, { key: 'a.b' });
    expect([missing.status, missing.body.error_code]).toEqual([404, 'RESOURCE_DOES_NOT_EXIST']);
  });

  it.each([
    ['no key', { value: 'x' }, 400],
    ['a key too long', { key: 'k'.repeat(251), value: 'x' }, 400],
    ['a value too long', { key: 'k', value: 'x'.repeat(8_001) }, 400],
  ])('with %s are refused', async (_, body, status) => {
    const { traceId } = await found();
    expect((await api.call('PATCH', `${v2}/${traceId}/tags`, body)).status).toBe(status);
    expect((await api.call('PATCH', `${v2}/${aTraceId()}/tags`, { key: 'k', value: 'x' })).status).toBe(404);
  });

  it('number no more than an item holds', async () => {
    const { traceId } = await found({
      facts: { tags: Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`t${i}`, ''])) },
    });
    const refused = await api.call('PATCH', `${v2}/${traceId}/tags`, { key: 'more', value: 'x' });
    expect([refused.status, refused.body.message]).toEqual([400, expect.stringMatching(/200 tags at most/)]);
    expect((await api.call('PATCH', `${v2}/${traceId}/tags`, { key: 't1', value: 'x' })).status).toBe(200);
  });
});

describe('a search', () => {
  const experimentId = '41';
  let infos: readonly TraceInfo[];
  beforeAll(async () => {
    infos = [];
    for (let n = 0; n < 5; n++) {
      const facts = {
        requestTime: noon + n * 1_000,
        durationMs: 100 * ((n * 3) % 5),
        name: `trace ${n}`,
        sessionId: n < 2 ? 'a' : 'b',
      };
      infos = [...infos, await found({ experimentId, facts })];
    }
  });
  const numbers = (traces: Traces) => idsOf(traces).map((id) => infos.findIndex(({ traceId }) => traceId === id));

  it.each([
    [[], [4, 3, 2, 1, 0]],
    [['timestamp_ms DESC'], [4, 3, 2, 1, 0]],
    [['attributes.timestamp ASC'], [0, 1, 2, 3, 4]],
    [['execution_time_ms'], [0, 2, 4, 1, 3]],
    [['execution_time DESC'], [3, 1, 4, 2, 0]],
    [['name desc'], [4, 3, 2, 1, 0]],
    [
      ['metadata.mlflow.trace.session ASC', 'execution_time ASC'],
      [0, 1, 2, 4, 3],
    ],
    [
      ['tags.none ASC', 'timestamp_ms ASC'],
      [0, 1, 2, 3, 4],
    ],
  ])('in the order of %j comes page by page as it comes at once', async (order_by, expected) => {
    expect(numbers((await search({ order_by }, experimentId)).traces)).toEqual(expected);
    const paged: number[] = [];
    let page_token: string | undefined;
    do {
      const page = await search({ order_by, max_results: 2, page_token }, experimentId);
      paged.push(...numbers(page.traces));
      page_token = page.next_page_token;
    } while (page_token);
    expect(paged).toEqual(expected);
  });

  it.each([
    ['duration ASC', /Invalid order_by clause/],
    ['client_request_id', /Invalid order_by clause/],
    ['name sideways', /Invalid order_by clause/],
  ])('in the order of "%s" is refused', async (order, message) => {
    const locations = [{ mlflow_experiment: { experiment_id: experimentId } }];
    const { status, body } = await api.call('POST', `${v3}/search`, { locations, order_by: [order] });
    expect([status, body.message]).toEqual([400, expect.stringMatching(message)]);
  });

  it.each([
    ["metadata.mlflow.trace.session = 'a'", [1, 0]],
    ["tags.`mlflow.trace.session` = 'a'", [1, 0]],
    ["trace.session = 'b' AND execution_time_ms > 150", [3, 4].toReversed().toSorted((a, b) => b - a)],
    [`trace.session = 'b' AND timestamp_ms <= ${noon + 3_000}`, [3, 2]],
    ["name = 'trace 3'", [3]],
  ])('for %s finds them', async (filter, expected) => {
    expect(numbers((await search({ filter }, experimentId)).traces).toSorted((a, b) => b - a)).toEqual(expected);
  });

  it('for a session finds a trace that was told it twice under either name', async () => {
    const facts = { metadata: { 'mlflow.trace.session': 'said' }, tags: { 'mlflow.trace.session': 'tagged' } };
    const { traceId } = await found({ experimentId: '47', facts });
    for (const filter of ["metadata.mlflow.trace.session = 'said'", "tags.`mlflow.trace.session` = 'tagged'"])
      expect(idsOf((await search({ filter }, '47')).traces), filter).toEqual([traceId]);
    expect((await search({ filter: "tags.`mlflow.trace.session` = 'said'" }, '47')).traces).toEqual([]);
  });

  it('answers assessments in the order in which they were made', async () => {
    const { traceId } = await found({ experimentId: '48' });
    const names = ['third', 'first', 'second', 'fourth', 'fifth'];
    for (const [i, name] of names.entries())
      await api.call('POST', `${v3}/${traceId}/assessments`, {
        assessment: { assessment_name: name, feedback: { value: 1 }, create_time: new Date(noon + i).toISOString() },
      });
    const [trace] = (await search({}, '48')).traces;
    expect(trace?.assessments.map(({ assessment_name }) => assessment_name)).toEqual(names);
  });

  it('for traces by their ids finds those of the experiment, newest first, page by page', async () => {
    const other = await found({ experimentId: '42' });
    const list = [infos[1], infos[4], other, infos[2]].map((info) => `'${info?.traceId}'`).join(', ');
    const filter = `request_id IN (${list})`;
    expect(numbers((await search({ filter }, experimentId)).traces)).toEqual([4, 2, 1]);
    const first = await search({ filter, max_results: 2 }, experimentId);
    const rest = await search({ filter, max_results: 2, page_token: first.next_page_token }, experimentId);
    expect([...numbers(first.traces), ...numbers(rest.traces)]).toEqual([4, 2, 1]);
  });

  it('that is not at its end tells how far it got', async () => {
    const page = await search({ max_results: 2 }, experimentId);
    expect(page.searched_until).toBe(new Date(noon + 3_000).toISOString());
    expect((await search({ max_results: 50 }, experimentId)).searched_until).toBeUndefined();
  });

  it('takes null for what is not wanted', async () => {
    const nothing = { filter: null, order_by: null, page_token: null, max_results: null };
    expect((await search(nothing, experimentId)).traces).toHaveLength(5);
  });

  it('of infos by their ids leaves out what is not there, and other experiments where told', async () => {
    const body = { trace_ids: [infos[3]?.traceId, aTraceId(), infos[0]?.traceId] };
    const all = await api.call('POST', `${v3}/batchGetInfos`, body);
    expect(numbers(all.body.trace_infos as Traces)).toEqual([3, 0]);
    const none = await api.call('POST', `${v3}/batchGetInfos`, { ...body, experiment_ids: ['1'] });
    expect(none.body).toEqual({ trace_infos: [] });
  });
});

describe('assessments', () => {
  const source = { source_type: 'HUMAN', source_id: 'bob' };
  const feedback = (given: object = {}) => ({
    assessment: {
      assessment_name: 'is_correct',
      source,
      create_time: '2026-06-01T12:00:01.095Z',
      feedback: { value: true },
      rationale: 'ok',
      metadata: { a: 'b' },
      valid: true,
      ...given,
    },
  });
  const idOf = (body: Record<string, unknown>) => (body.assessment as { assessment_id: string }).assessment_id;

  it('sent twice are kept once, and reach the archive', async () => {
    const { traceId } = await found();
    const path = `${v3}/${traceId}/assessments`;
    const first = await api.call('POST', path, feedback());
    const second = await api.call('POST', path, feedback());
    expect(second.body).toEqual(first.body);
    expect((await search({ filter: `request_id = '${traceId}'` })).traces[0]?.assessments).toEqual([
      first.body.assessment,
    ]);
    const other = await api.call('POST', path, feedback({ feedback: { value: false } }));
    expect(idOf(other.body)).not.toBe(idOf(first.body));
    expect(archived.filter((row) => row.traceId === traceId).map(({ value }) => value)).toEqual([true, true, false]);
  });

  it.each([
    [
      'a feedback that failed',
      { feedback: { value: null, error: { error_code: 'ValueError', error_message: 'x', stack_trace: 'at …' } } },
    ],
    ['a feedback without value', { feedback: { value: null } }],
    ['a map', { feedback: { value: { a: 1, b: ['x'] } } }],
    ['an expectation', { feedback: undefined, expectation: { value: 'Paris' } }],
    [
      'an expectation that is a list',
      {
        feedback: undefined,
        expectation: { serialized_value: { serialization_format: 'JSON_FORMAT', value: '["a","b"]' } },
      },
    ],
  ])('of %s come back as they were', async (_, given) => {
    const { traceId } = await found();
    const sent = feedback(given);
    const created = await api.call('POST', `${v3}/${traceId}/assessments`, sent);
    const { valid: _valid, ...rest } = sent.assessment;
    expect(created.body.assessment).toMatchObject(JSON.parse(JSON.stringify(rest)));
    const read = await api.call('GET', `${v3}/${traceId}/assessments/${idOf(created.body)}`);
    expect(read.body).toEqual(created.body);
  });

  it('are changed in what the mask names, their metadata merged', async () => {
    const { traceId } = await found();
    const created = await api.call('POST', `${v3}/${traceId}/assessments`, feedback());
    const path = `${v3}/${traceId}/assessments/${idOf(created.body)}`;
    const change = {
      assessment_name: 'renamed',
      feedback: { value: false },
      metadata: { c: 'd' },
      rationale: 'not meant',
    };
    const { body } = await api.call('PATCH', path, {
      assessment: change,
      update_mask: 'assessmentName,feedback,metadata',
    });
    expect(body.assessment).toMatchObject({
      assessment_name: 'renamed',
      feedback: { value: false },
      metadata: { a: 'b', c: 'd' },
      rationale: 'ok',
      source,
    });
    const refused = await api.call('PATCH', path, {
      assessment: { expectation: { value: 1 } },
      update_mask: 'expectation',
    });
    expect([refused.status, refused.body.message]).toEqual([400, expect.stringMatching(/feedback assessment/)]);
  });

  it('that override another one take its place, and give it back when they are deleted', async () => {
    const { traceId } = await found();
    const path = `${v3}/${traceId}/assessments`;
    const old = idOf((await api.call('POST', path, feedback())).body);
    const young = idOf((await api.call('POST', path, feedback({ feedback: { value: false }, overrides: old }))).body);
    const valid = async (id: string) =>
      ((await api.call('GET', `${path}/${id}`)).body.assessment as { valid: boolean }).valid;
    expect([await valid(old), await valid(young)]).toEqual([false, true]);
    expect(
      (await search({ filter: `request_id = '${traceId}' AND feedback.is_correct = 'true'` })).traces,
    ).toHaveLength(0);
    expect((await api.call('DELETE', `${path}/${young}`)).status).toBe(200);
    expect((await api.call('DELETE', `${path}/${young}`)).status).toBe(200);
    expect(await valid(old)).toBe(true);
    expect((await api.call('GET', `${path}/${young}`)).status).toBe(404);
    expect(archived.findLast(({ assessmentId }) => assessmentId === young)?.valid).toBe(false);
  });

  it.each([
    ['neither feedback nor expectation', { feedback: undefined }, 400],
    ['both', { expectation: { value: 1 } }, 400],
    ['overriding what is not there', { overrides: 'a-0' }, 404],
    ['an expectation that is no JSON', { feedback: undefined, expectation: { serialized_value: { value: '{' } } }, 400],
  ])('with %s are refused', async (_, given, status) => {
    const { traceId } = await found();
    expect((await api.call('POST', `${v3}/${traceId}/assessments`, feedback(given))).status).toBe(status);
    expect((await api.call('POST', `${v3}/${aTraceId()}/assessments`, feedback())).status).toBe(404);
  });
});

describe('deleting traces', () => {
  it('by ids counts those of the experiment, once', async () => {
    const [first, second, other] = [await found(), await found(), await found({ experimentId: '43' })];
    const request_ids = [first, second, other, { traceId: aTraceId() }].map(({ traceId }) => traceId);
    const remove = () => api.call('POST', `${v2}/delete-traces`, { experiment_id: '0', request_ids });
    expect((await remove()).body).toEqual({ traces_deleted: 2 });
    expect((await remove()).body).toEqual({ traces_deleted: 0 });
    expect((await api.call('GET', `${v3}/${first.traceId}`)).status).toBe(404);
    expect((await api.call('GET', `${v3}/${other.traceId}`)).status).toBe(200);
  });

  it('by time takes the oldest first', async () => {
    const infos = [];
    for (let n = 0; n < 6; n++) infos.push(await found({ experimentId: '44', facts: { requestTime: noon + n } }));
    const remove = (rest: object) => api.call('POST', `${v3}/delete-traces`, { experiment_id: '44', ...rest });
    expect((await remove({ max_timestamp_millis: noon + 4, max_traces: 2 })).body).toEqual({ traces_deleted: 2 });
    const left = idsOf((await search({}, '44')).traces);
    expect(left).toEqual(
      infos
        .slice(2)
        .toReversed()
        .map(({ traceId }) => traceId),
    );
    expect((await remove({ max_timestamp_millis: noon + 4 })).body).toEqual({ traces_deleted: 3 });
    expect((await search({}, '44')).traces).toHaveLength(1);
  });

  it.each([[{}], [{ request_ids: ['tr-1'], max_timestamp_millis: 5 }], [{ request_ids: ['tr-1'], max_traces: 5 }]])(
    'of %j is refused',
    async (rest) => {
      expect((await api.call('POST', `${v2}/delete-traces`, { experiment_id: '0', ...rest })).status).toBe(400);
    },
  );
});

describe('links', () => {
  it('to a run are found by it, and do not repeat', async () => {
    const { traceId } = await found({ experimentId: '45' });
    const created = await api.call('POST', '/api/2.0/mlflow/runs/create', { experiment_id: '0' });
    const { run_id } = (created.body.run as { info: { run_id: string } }).info;
    for (let i = 0; i < 2; i++) await api.call('POST', `${v2}/link-to-run`, { trace_ids: [traceId], run_id });
    const { index } = api.deps;
    expect((await index.getInfos([traceId])).get(traceId)?.facts.linkedRuns).toEqual([run_id]);
    const missing = await api.call('POST', `${v2}/link-to-run`, { trace_ids: [traceId], run_id: 'run-1' });
    expect([missing.status, missing.body.error_code]).toEqual([404, 'RESOURCE_DOES_NOT_EXIST']);
  });

  it('to prompts stand in the tag that a search asks', async () => {
    const { traceId } = await found({ experimentId: '46' });
    for (const version of ['1', '2', '1'])
      await api.call('POST', `${v2}/link-prompts`, { trace_id: traceId, prompt_versions: [{ name: 'p', version }] });
    expect(idsOf((await search({ filter: "prompt = 'p/2'" }, '46')).traces)).toEqual([traceId]);
    const [trace] = (await search({}, '46')).traces;
    expect(JSON.parse(trace?.tags['mlflow.linkedPrompts'] ?? '')).toEqual([
      { name: 'p', version: '1' },
      { name: 'p', version: '2' },
    ]);
  });

  it.each(['no json', '[null, 5, {"name": "q"}]'])('to prompts replace what is none in the tag: %s', async (value) => {
    const { traceId } = await found({ experimentId: '47' });
    await api.call('PATCH', `${v2}/${traceId}/tags`, { key: 'mlflow.linkedPrompts', value });
    const prompt = { name: 'p', version: '1' };
    const link = await api.call('POST', `${v2}/link-prompts`, { trace_id: traceId, prompt_versions: [prompt] });
    expect(link.status).toBe(200);
    const linked = (await search({}, '47')).traces.find((trace) => trace.trace_id === traceId);
    expect(JSON.parse(linked?.tags['mlflow.linkedPrompts'] ?? '')).toEqual([prompt]);
  });
});

describe('attachments', () => {
  const pathOf = ({ experimentId, traceId }: TraceInfo, name: string) =>
    `/api/2.0/mlflow-artifacts/artifacts/${experimentId}/traces/${traceId}/artifacts/attachments/${name}`;

  it('are put, opened by a URL that says where they lie, and go with their trace', async () => {
    const info = await found();
    expect((await api.call('PUT', pathOf(info, 'image-1'), { any: 'bytes' })).status).toBe(200);
    expect(Buffer.from(stored.get('image-1') ?? []).toString()).toBe('{"any":"bytes"}');
    const location = `https://storage.example/0/${info.traceId}/image-1`;
    expect(await api.call('GET', pathOf(info, 'image-1'))).toMatchObject({ status: 307, headers: { location } });
    const asPagesAsk = `/ajax-api/2.0/mlflow/get-trace-artifact?request_id=${info.traceId}&path=image-1`;
    expect(await api.call('GET', asPagesAsk)).toMatchObject({ status: 307, headers: { location } });
    await api.call('POST', `${v2}/delete-traces`, { experiment_id: '0', request_ids: [info.traceId] });
    expect(stored.has('image-1')).toBe(false);
  });

  it('are refused where there is no such trace in the experiment, or the name is a path', async () => {
    const info = await found();
    expect((await api.call('PUT', pathOf({ ...info, experimentId: '9' }, 'a'), {})).status).toBe(404);
    expect((await api.call('PUT', pathOf({ ...info, traceId: aTraceId() }, 'a'), {})).status).toBe(404);
    expect((await api.call('PUT', pathOf(info, '..%2F..%2Fsecret'), {})).status).toBe(400);
  });
});
