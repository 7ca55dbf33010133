import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { exportRequest, type JsonSpan, spanIdOf, traceIdOf } from '../support/in-memory/bodies.ts';
import { startTestStack, type TestStack } from '../support/local-stack.ts';
import { traceStore } from '../support/stored-trace.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack.stop());

const scorers = '/api/3.0/mlflow/scorers';

function serialized(name: string, heuristic: object): string {
  return JSON.stringify({ name, serialization_version: 1, assay_heuristic: heuristic });
}

async function experiment(name: string): Promise<string> {
  const created = await stack.api('POST', '/api/2.0/mlflow/experiments/create', { name });
  return String(created.json().experiment_id);
}

async function register(id: string, name: string, heuristic: object = { type: 'error_free' }) {
  return stack.api('POST', `${scorers}/register`, {
    experiment_id: id,
    name,
    serialized_scorer: serialized(name, heuristic),
  });
}

async function sample(id: string, name: string, rest: object) {
  return stack.api('PUT', `${scorers}/online-config`, { experiment_id: id, name, ...rest });
}

async function send(spans: readonly JsonSpan[], experimentId: string) {
  const headers = { 'content-type': 'application/json', 'x-mlflow-experiment-id': experimentId };
  expect((await stack.send(JSON.stringify(exportRequest(spans)), { headers })).status).toBe(200);
}

function trace(n: number, changes: Partial<JsonSpan> = {}): JsonSpan {
  return { traceId: traceIdOf(n), spanId: spanIdOf(0), name: `trace ${n}`, start: n, end: n + 1, ...changes };
}

async function search(
  body: object,
): Promise<{ traces: { trace_id: string; assessments: unknown[] }[]; next_page_token?: string }> {
  const reply = await stack.api('POST', '/api/3.0/mlflow/traces/search', body);
  expect(reply.status, reply.body.toString('utf8')).toBe(200);
  return reply.json() as never;
}

const inExperiment = (id: string) => ({
  locations: [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: id } }],
});

describe('an experiment', () => {
  it('is created once by a name and found by both', async () => {
    const id = await experiment('a name');
    expect((await stack.api('POST', '/api/2.0/mlflow/experiments/create', { name: 'a name' })).json()).toMatchObject({
      error_code: 'RESOURCE_ALREADY_EXISTS',
    });
    const byName = await stack.api('GET', '/api/2.0/mlflow/experiments/get-by-name?experiment_name=a%20name');
    expect(byName.json()).toMatchObject({
      experiment: { experiment_id: id, name: 'a name', lifecycle_stage: 'active' },
    });
    const standard = await stack.api('GET', '/api/2.0/mlflow/experiments/get?experiment_id=0');
    expect(standard.json()).toMatchObject({ experiment: { name: 'Default' } });
  });
});

describe('a table of Databricks’ exporters', () => {
  it('leads to the experiment that names it', async () => {
    const id = await experiment('of a table');
    const tag = { experiment_id: id, key: 'assay.otelTable', value: 'Main.Agents.Spans' };
    expect((await stack.api('POST', '/api/2.0/mlflow/experiments/set-experiment-tag', tag)).status).toBe(200);
    const body = JSON.stringify(exportRequest([trace(700)]));
    const send = (table: string) =>
      stack.send(body, {
        path: '/api/2.0/otel/v1/traces',
        headers: { 'content-type': 'application/json', 'x-databricks-uc-table-name': table },
      });
    expect((await send('main.agents.spans')).status).toBe(200);
    const unknown = await send('main.agents.other');
    expect([unknown.status, unknown.json()]).toEqual([
      404,
      { code: 5, message: expect.stringMatching(/known are main\.agents\.spans$/) },
    ]);
    await stack.stack.drain();
    expect((await search(inExperiment(id))).traces.map((one) => one.trace_id)).toEqual([`tr-${traceIdOf(700)}`]);
  });
});

describe('a scorer', () => {
  it('has versions that do not change, and is active in its latest one', async () => {
    const id = await experiment('versions');
    expect((await register(id, 'length', { type: 'response_length', max: 10 })).json()).toMatchObject({ version: 1 });
    await sample(id, 'length', { sample_rate: 0.5, filter_string: "status = 'OK'" });
    expect((await register(id, 'length', { type: 'response_length', max: 20 })).json()).toMatchObject({ version: 2 });
    const { scorers: versions } = (
      await stack.api('GET', `${scorers}/versions?experiment_id=${id}&name=length`)
    ).json() as unknown as { scorers: { scorer_id: string; serialized_scorer: string }[] };
    expect(versions.map(({ serialized_scorer: text }) => JSON.parse(text).assay_heuristic.max)).toEqual([10, 20]);
    expect(new Set(versions.map(({ scorer_id: scorerId }) => scorerId)).size).toBe(1);
    const configs = await stack.api('GET', `${scorers}/online-configs?scorer_ids=${versions[0]?.scorer_id}`);
    expect(configs.json()).toMatchObject({
      configs: [{ sample_rate: 0.5, filter_string: "status = 'OK'", experiment_id: id }],
    });
  });

  it.each([
    ['a heuristic that does not exist', { type: 'mood' }, /type must be one of/],
    ['a pattern that is none', { type: 'regex', pattern: '(' }, /pattern|regex/i],
  ])('with %s is refused when it is registered or started, with the reason', async (_, heuristic, reason) => {
    const registered = await register('0', 'broken', heuristic);
    const reply = registered.status === 200 ? await sample('0', 'broken', { sample_rate: 1 }) : registered;
    expect(reply.status).toBe(400);
    expect(String(reply.json().message)).toMatch(reason);
  });

  it('that can never run is kept, and refused at start', async () => {
    const judge = JSON.stringify({
      name: 'judge',
      serialization_version: 1,
      third_party_scorer_data: { module: 'mlflow.genai.scorers.ragas', class: 'Faithfulness', metric_name: 'f' },
    });
    expect(
      (await stack.api('POST', `${scorers}/register`, { experiment_id: '0', name: 'judge', serialized_scorer: judge }))
        .status,
    ).toBe(200);
    const started = await sample('0', 'judge', { sample_rate: 0.1 });
    expect([started.status, String(started.json().message)]).toEqual([400, expect.stringMatching(/cannot be started/)]);
  });

  it.each([
    [{ sample_rate: 1.5 }, /between 0.0 and 1.0/],
    [{ sample_rate: 0.5, filter_string: "status = 'OK' OR name = 'x'" }, /Invalid clause/],
  ])('is not started with %j', async (config, reason) => {
    await register('0', 'picky');
    const reply = await sample('0', 'picky', config);
    expect([reply.status, String(reply.json().message)]).toEqual([400, expect.stringMatching(reason)]);
  });

  it('that is deleted is no longer listed or active', async () => {
    const id = await experiment('deletion');
    await register(id, 'gone');
    await sample(id, 'gone', { sample_rate: 1 });
    expect((await stack.api('DELETE', `${scorers}/delete`, { experiment_id: id, name: 'gone' })).status).toBe(200);
    expect((await stack.api('GET', `${scorers}/list?experiment_id=${id}`)).json()).toEqual({ scorers: [] });
    expect((await stack.api('GET', `${scorers}/online-configs?experiment_id=${id}`)).json()).toEqual({ configs: [] });
  });
});

describe('a search', () => {
  it('pages newest first, and what arrives meanwhile shifts nothing', async () => {
    const id = await experiment('pages');
    for (let n = 100; n < 125; n++) await send([trace(n)], id);
    await stack.stack.drain();
    const first = await search({ ...inExperiment(id), max_results: 10 });
    await send([trace(200)], id);
    await stack.stack.drain();
    const second = await search({ ...inExperiment(id), max_results: 10, page_token: first.next_page_token });
    const third = await search({ ...inExperiment(id), max_results: 10, page_token: second.next_page_token });
    const seen = [first, second, third].flatMap(({ traces }) => traces.map(({ trace_id: traceId }) => traceId));
    expect(seen).toEqual(Array.from({ length: 25 }, (_, i) => `tr-${traceIdOf(124 - i)}`));
    expect(third.next_page_token).toBeUndefined();
  });

  it('finds what a filter names, by facts, spans and time', async () => {
    const id = await experiment('filters');
    const failed = trace(300, { status: { code: 2, message: 'no' } });
    const talkative = trace(301, { attributes: { 'gen_ai.operation.name': 'chat', 'session.id': 'abc' } });
    for (const spans of [[failed], [talkative], [trace(302)]]) await send(spans, id);
    await stack.stack.drain();
    const found = async (filter: string) =>
      (await search({ ...inExperiment(id), filter })).traces.map(({ trace_id: traceId }) => traceId);
    expect(await found("status = 'ERROR'")).toEqual([`tr-${failed.traceId}`]);
    expect(await found("span.type = 'CHAT_MODEL'")).toEqual([`tr-${talkative.traceId}`]);
    expect(await found("metadata.`mlflow.trace.session` = 'abc'")).toEqual([`tr-${talkative.traceId}`]);
    expect(await found(`timestamp_ms >= ${Date.UTC(2026, 10, 21, 12) + 302_000}`)).toEqual([`tr-${traceIdOf(302)}`]);
  });

  it.each([
    [{ max_results: 501 }, /500/],
    [{ page_token: 'nonsense' }, /page token/],
    [{ order_by: ['duration ASC'] }, /Invalid order_by clause/],
    [{ filter: 'status ~ 1' }, /./],
  ])('with %j is told what is wrong', async (body, reason) => {
    const reply = await stack.api('POST', '/api/3.0/mlflow/traces/search', { ...inExperiment('0'), ...body });
    expect([reply.status, reply.json().error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE']);
    expect(String(reply.json().message)).toMatch(reason);
  });
});

describe('a sampled trace', () => {
  it('is assessed within seconds, against what people expect of it', async () => {
    const id = await experiment('scored');
    await register(id, 'right', { type: 'exact_match' });
    await sample(id, 'right', { sample_rate: 1 });
    const answered = { attributes: { 'output.value': 'Paris', 'input.value': 'capital?' } };
    const [expected, other] = [trace(400, answered), trace(401, answered)];
    await send([expected, other], id);
    const path = `/api/3.0/mlflow/traces/tr-${expected.traceId}/assessments`;
    const source = { source_type: 'HUMAN', source_id: 'bob' };
    const body = { assessment: { assessment_name: 'expected_response', source, expectation: { value: 'Paris' } } };
    // As soon as the trace is indexed, which is seconds before it has settled and is judged.
    const logged = await vi.waitUntil(
      async () => {
        const reply = await stack.api('POST', path, body);
        return reply.status === 200 && reply;
      },
      { timeout: 4_000, interval: 100 },
    );
    expect(logged.json()).toMatchObject({ assessment: { assessment_id: expect.stringMatching(/^a-[0-9a-f]{32}$/) } });
    await stack.stack.drain();
    const assessmentsOf = async ({ traceId }: JsonSpan) => {
      const { record } = await traceStore(stack.stack).read(`tr-${traceId}`);
      return record.assessments.filter(({ kind }) => kind === 'feedback');
    };
    expect(await assessmentsOf(expected)).toMatchObject([
      { name: 'right', value: 'yes', scorer: { version: 1, sampleRate: 1 } },
    ]);
    // Nothing is expected of this one: a failure is never a score.
    expect(await assessmentsOf(other)).toMatchObject([
      { name: 'right', value: null, error: { code: 'NO_EXPECTATION' } },
    ]);
  });
});

describe('a caller', () => {
  it.each([
    ['ingest', 'GET', `${scorers}/list?experiment_id=0`],
    ['read', 'POST', `${scorers}/register`],
  ] as const)('with a key of role %s may not %s %s', async (role, method, path) => {
    const key = await stack.makeKey(role);
    const reply = await fetch(new URL(path, stack.stack.url), { method, headers: { authorization: `Bearer ${key}` } });
    expect([reply.status, await reply.json()]).toMatchObject([403, { error_code: 'PERMISSION_DENIED' }]);
  });

  it('with a key of one experiment sees no other', async () => {
    const id = await experiment('limited');
    const key = await stack.makeKey('read', [id]);
    await send([trace(500)], '0');
    await stack.stack.drain();
    const get = (path: string) =>
      fetch(new URL(path, stack.stack.url), { headers: { authorization: `Bearer ${key}` } });
    expect((await get(`/api/3.0/mlflow/traces/get?trace_id=tr-${traceIdOf(500)}`)).status).toBe(403);
    expect((await get(`${scorers}/list?experiment_id=${id}`)).status).toBe(200);
  });

  it('of a route that is not there is told so in MLflow’s words', async () => {
    const reply = await stack.api('GET', '/api/2.0/mlflow/nothing');
    expect([reply.status, reply.json()]).toMatchObject([404, { error_code: 'ENDPOINT_NOT_FOUND' }]);
  });

  it('whose body is not JSON is told so', async () => {
    const headers = { authorization: `Bearer ${stack.adminKey}` };
    const reply = await fetch(new URL(`${scorers}/register`, stack.stack.url), { method: 'POST', headers, body: '{' });
    expect([reply.status, await reply.json()]).toMatchObject([400, { error_code: 'INVALID_PARAMETER_VALUE' }]);
  });
});
