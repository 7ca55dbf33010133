import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { builtinJudge, createClient, guidelines, heuristic } from '../../../sdk/index.ts';
import { type ScriptedApi, startScriptedApi } from '../../support/scripted-api.ts';

let api: ScriptedApi;
beforeAll(async () => {
  api = await startScriptedApi();
});
afterAll(() => api[Symbol.asyncDispose]());
beforeEach(() => {
  api.asked.length = 0;
});

const client = () => createClient({ url: api.url, key: 'key', experimentId: '3' });
const bodies = (what: string) => api.asked.filter((one) => one.what === what).map(({ body }) => body);

describe('a scorer', () => {
  const base = '/api/3.0/mlflow/scorers';
  const record = {
    ...{ experiment_id: 3, scorer_name: 'safe', scorer_version: 2, scorer_id: 's', serialized_scorer: '{}' },
    creation_time: 1_795_262_400_000,
  };
  const config = (sample_rate: number, rest = {}) => ({ scorer_id: 's', sample_rate, experiment_id: '3', ...rest });
  beforeEach(() => {
    const { scorer_name: _, scorer_version: __, ...said } = record;
    api.script(`POST ${base}/register`, { body: { ...said, experiment_id: '3', name: 'safe', version: 1 } });
    api.script(`GET ${base}/get`, { body: { scorer: record } });
    api.script(`GET ${base}/online-configs`, { body: { configs: [config(0.5, { filter_string: "status = 'OK'" })] } });
    api.script(`PUT ${base}/online-config`, { body: { config: config(0.1) } });
  });

  it('is registered and started, each step a value of its own', async () => {
    const safety = client().scorer(builtinJudge('Safety'));
    const registered = await safety.register({ name: 'safe' });
    const live = await registered.start({ sampleRate: 0.1 });
    expect([registered.state, registered.sampleRate, registered.version]).toEqual(['registered', 0, 1]);
    expect([live.state, live.sampleRate, live.name]).toEqual(['active', 0.1, 'safe']);
    expect([safety, registered, live].every(Object.isFrozen)).toBe(true);
    expect(bodies(`POST ${base}/register`)).toEqual([
      { experiment_id: '3', name: 'safe', serialized_scorer: builtinJudge('Safety').serialize('safe') },
    ]);
    expect(bodies(`PUT ${base}/online-config`)).toEqual([{ experiment_id: '3', name: 'safe', sample_rate: 0.1 }]);
  });

  it.each([
    [{ sampleRate: 0.2 }, { sample_rate: 0.2, filter_string: "status = 'OK'" }],
    [{ filter: "name = 'x'" }, { sample_rate: 0.5, filter_string: "name = 'x'" }],
    [{ filter: null }, { sample_rate: 0.5 }],
  ])('updated with %j keeps the rest', async (change, sent) => {
    const scorer = await client().scorers.get({ name: 'safe' });
    expect(scorer).toMatchObject({
      version: 2,
      state: 'active',
      filter: "status = 'OK'",
      createdAt: new Date(record.creation_time),
    });
    await scorer.update(change);
    expect(bodies(`PUT ${base}/online-config`)).toEqual([{ experiment_id: '3', name: 'safe', ...sent }]);
  });

  it('that is stopped keeps its filter', async () => {
    api.script(`PUT ${base}/online-config`, { body: { config: config(0) } });
    const stopped = await (await client().scorers.get({ name: 'safe', version: 2 })).stop();
    expect(stopped.state).toBe('stopped');
    expect(bodies(`PUT ${base}/online-config`)).toMatchObject([{ sample_rate: 0, filter_string: "status = 'OK'" }]);
    expect(api.asked.find(({ what }) => what === `GET ${base}/get`)?.query).toEqual({
      experiment_id: '3',
      name: 'safe',
      version: '2',
    });
  });

  it('registered anew is sampled as the version before it', async () => {
    api.script(`POST ${base}/register`, { body: { ...record, name: 'safe', version: 3 } });
    const next = await (await client().scorers.get({ name: 'safe' })).register(guidelines('be kind'));
    expect(next).toMatchObject({ version: 3, state: 'active', sampleRate: 0.5 });
  });

  it('that Assay holds back says why', async () => {
    api.script(`GET ${base}/online-configs`, { body: { configs: [config(0.5, { paused: 'no credentials' })] } });
    api.script(`GET ${base}/list`, { body: { scorers: [record, { ...record, scorer_id: 'other' }] } });
    const [held, fresh] = await client().scorers.list({ experimentId: '4' });
    expect(held).toMatchObject({ state: 'paused', pausedBecause: 'no credentials', experimentId: '4' });
    expect(fresh).toMatchObject({ state: 'registered' });
  });

  it('is deleted as a whole, or in one version', async () => {
    api.script(`DELETE ${base}/delete`, {});
    await client().scorers.delete({ name: 'safe', version: 2 });
    await client().scorers.delete({ name: 'safe' });
    expect(bodies(`DELETE ${base}/delete`)).toEqual([
      { experiment_id: '3', name: 'safe', version: 2 },
      { experiment_id: '3', name: 'safe' },
    ]);
  });
});

describe('a search of traces', () => {
  const path = 'POST /api/3.0/mlflow/traces/search';
  const page = (ids: readonly string[], next_page_token?: string) => ({
    body: { traces: ids.map((trace_id) => ({ trace_id })), next_page_token },
  });

  it('asks for pages as they are needed', async () => {
    api.script(path, page(['a', 'b'], 'next'), page(['c']));
    const found = client().traces.search({ filter: "status = 'OK'", pageSize: 2 });
    const seen: string[] = [];
    for await (const { trace_id } of found) {
      seen.push(trace_id);
      if (seen.length === 2) break;
    }
    expect(api.asked).toHaveLength(1);
    api.script(path, page(['a', 'b'], 'next'), page(['c']));
    expect((await found.toArray()).map(({ trace_id }) => trace_id)).toEqual(['a', 'b', 'c']);
    expect(bodies(path).at(-1)).toEqual({
      locations: [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '3' } }],
      ...{ max_results: 2, filter: "status = 'OK'", page_token: 'next' },
    });
  });
});

describe('a backfill', () => {
  const path = '/api/1.0/assay/backfills';
  const state = (state: string, rest = {}) => ({
    body: { backfill_id: 'b1', backfill: { backfill_id: 'b1', experiment_id: '3', state, ...rest } },
  });

  it('is started once, however often it has to be asked for', async () => {
    api.script(`POST ${path}`, { breaks: true }, { status: 503 }, state('planning'));
    const started = await client().backfill({
      scorers: ['tone', { name: 'safe', version: 2, sampleRate: 0.5 }],
      startTime: new Date('2026-06-01T00:00:00Z'),
      maxCostUsd: 5,
    });
    const [first, ...more] = bodies(`POST ${path}`) as { idempotency_key: string }[];
    expect(first).toEqual({
      experiment_id: '3',
      scorers: [{ name: 'tone' }, { name: 'safe', version: 2, sample_rate: 0.5 }],
      ...{ start_time: '2026-06-01T00:00:00.000Z', max_cost_usd: 5 },
      idempotency_key: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect(more).toEqual([first, first]);
    expect(started).toMatchObject({ id: 'b1', state: 'planning', experimentId: '3' });
  });

  it('of a scorer at hand takes its version, and the rate that it has', async () => {
    const base = '/api/3.0/mlflow/scorers';
    api.script(`GET ${base}/get`, { body: { scorer: { scorer_name: 'tone', scorer_version: 4, scorer_id: 's' } } });
    api.script(`GET ${base}/online-configs`, { body: { configs: [{ scorer_id: 's', sample_rate: 0 }] } });
    api.script(`POST ${path}`, state('planning'));
    await client().backfill({ scorers: [await client().scorers.get({ name: 'tone' })] });
    expect(bodies(`POST ${path}`)).toMatchObject([{ scorers: [{ name: 'tone', version: 4 }] }]);
    expect(bodies(`POST ${path}`)).not.toMatchObject([{ scorers: [{ sample_rate: expect.anything() }] }]);
  });

  it('is waited for, with its progress, until it neither plans nor runs', async () => {
    api.script(`POST ${path}`, state('planning'));
    api.script(
      `GET ${path}/b1`,
      state('planning'),
      state('running', { counts: { judged: 5 } }),
      state('paused', { reason: 'cost' }),
    );
    const seen: string[] = [];
    const started = await client().backfill({ scorers: ['tone'] });
    const ended = await started.wait({ pollMs: 1, onProgress: ({ state }) => seen.push(state) });
    expect(seen).toEqual(['planning', 'running', 'paused']);
    expect([started.state, ended.state, ended.record.reason]).toEqual(['planning', 'paused', 'cost']);
  });

  it('is waited for until nobody wants to any more', async () => {
    api.script(`GET ${path}/b1`, state('running'));
    const running = await client().backfills.get('b1');
    const waiting = running.wait({ pollMs: 60_000, signal: AbortSignal.timeout(50) });
    await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  it('can be paused, cancelled and resumed, by hand or by id', async () => {
    api.script(`GET ${path}/b1`, state('running'));
    for (const what of ['pause', 'cancel', 'resume']) api.script(`POST ${path}/b1/${what}`, state(`after ${what}`));
    const running = await client().backfills.get('b1');
    expect((await running.pause()).state).toBe('after pause');
    expect((await running.cancel()).state).toBe('after cancel');
    expect((await client().backfills.resume('b1', { maxCostUsd: 2 })).state).toBe('after resume');
    expect(running.state).toBe('running');
    expect(bodies(`POST ${path}/b1/resume`)).toEqual([{ experiment_id: '3', max_cost_usd: 2 }]);
  });
});

describe('assessing on demand', () => {
  const path = '/api/1.0/assay/assess';
  const result = (trace_id: string) => ({
    trace_id,
    scorer: 'tone',
    version: 1,
    state: 'judged',
    assessments: [],
    usd: 0,
    tokens: 0,
  });
  const run = (state: string, rest = {}) => ({ run: { run_id: 'r1', experiment_id: '3', state, ...rest } });

  it('has the results of a few traces with the answer, and asks for nothing more', async () => {
    api.script(`POST ${path}`, { body: { ...run('finished', { usd: 0.2 }), results: [result('a'), result('b')] } });
    const done = await client().assess({
      traceIds: ['AB'.repeat(16)],
      scorers: [
        'tone',
        { name: 'safe', version: 2 },
        { name: 'short', definition: heuristic('response_length', { max: 5 }) },
      ],
      dryRun: true,
    });
    const found = [];
    for await (const one of done.results()) found.push(one.trace_id);
    const waited = await done.wait();
    expect([found, done.isOver, done.record.usd, waited]).toEqual([['a', 'b'], true, 0.2, done]);
    expect(api.asked).toHaveLength(1);
    expect(api.asked[0]?.body).toEqual({
      ...{ experiment_id: '3', trace_ids: [`tr-${'ab'.repeat(16)}`], dry_run: true },
      scorers: [{ name: 'tone' }, { name: 'safe', version: 2 }],
      inline_scorers: [
        { name: 'short', serialized_scorer: heuristic('response_length', { max: 5 }).serialize('short') },
      ],
      idempotency_key: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
  });

  it('by ids and by a search leaves it to the API to refuse that', async () => {
    api.script(`POST ${path}`, { body: { ...run('finished'), results: [] } });
    const both = { traceIds: ['tr-1'], filter: "status = 'OK'", startTime: '2026-06-01T00:00:00Z' };
    await client().assess({ ...both, scorers: ['tone'] });
    expect(api.asked[0]?.body).toMatchObject({
      ...{ trace_ids: ['tr-1'], filter: "status = 'OK'", start_time: '2026-06-01T00:00:00Z' },
    });
  });

  it('of many traces is waited for, and its results come in pages', async () => {
    api.script(`POST ${path}`, { status: 202, body: run('running') });
    const [first, second] = [
      { ...run('finished'), results: [result('a')], next_page_token: 'p2' },
      { ...run('finished'), results: [result('b')] },
    ];
    api.script(
      `GET ${path}/r1`,
      { body: run('running', { counts: { judged: 1 } }) },
      { body: first },
      { body: second },
    );
    const started = await client().assess({
      filter: "status = 'OK'",
      startTime: '2026-06-01T00:00:00Z',
      scorers: ['tone'],
    });
    const seen: unknown[] = [];
    const ended = await started.wait({ pollMs: 1, onProgress: ({ record }) => seen.push(record.counts) });
    expect(seen).toEqual([{ judged: 1 }, undefined]);
    const results = await ended.results().toArray();
    expect([started.isOver, ended.isOver, results.map(({ trace_id }) => trace_id)]).toEqual([false, true, ['a', 'b']]);
    expect(api.asked.at(-1)?.query).toEqual({ experiment_id: '3', page_token: 'p2' });
    expect(api.asked[0]?.body).toMatchObject({ filter: "status = 'OK'", start_time: '2026-06-01T00:00:00Z' });
    expect(api.asked[0]?.body).not.toHaveProperty('inline_scorers');
  });

  it('goes on by the id of a run', async () => {
    api.script(`GET ${path}/r1`, { body: { ...run('running'), results: [result('a')] } });
    const found = await client().assessing.get('r1', { experimentId: '9' });
    expect([found.isOver, found.experimentId, (await found.results().toArray()).length]).toEqual([false, '9', 1]);
  });
});

describe('budgets, experiments and explanations', () => {
  it('are asked for by experiment', async () => {
    const path = '/api/1.0/assay/budgets';
    api.script(`PUT ${path}`, { body: { budget: { usd_per_day: 5 } } });
    api.script(`GET ${path}`, { body: { budgets: [{ scorer_name: 'tone' }] } });
    api.script(`DELETE ${path}`, {});
    expect(await client().budgets.set({ usdPerDay: 5, scorer: 'tone' })).toEqual({ usd_per_day: 5 });
    expect(await client().budgets.list()).toEqual([{ scorer_name: 'tone' }]);
    await client().budgets.remove({ experimentId: '4' });
    expect([bodies(`PUT ${path}`), bodies(`DELETE ${path}`)]).toEqual([
      [{ experiment_id: '3', scorer_name: 'tone', usd_per_day: 5 }],
      [{ experiment_id: '4' }],
    ]);
  });

  it('tell why a trace was scored, by the id that OpenTelemetry gives it, too', async () => {
    const traceId = `tr-${'ab'.repeat(16)}`;
    api.script(`GET /api/1.0/assay/traces/${traceId}/explanation`, { body: { trace_id: traceId, scorers: [] } });
    expect(await client().explain('AB'.repeat(16), { scorer: 'tone' })).toMatchObject({ trace_id: traceId });
    expect(api.asked[0]?.query).toEqual({ scorer: 'tone' });
  });

  it('are created and found', async () => {
    api.script('POST /api/2.0/mlflow/experiments/create', { body: { experiment_id: '7' } });
    api.script(
      'POST /api/2.0/mlflow/experiments/search',
      { body: { experiments: [{ name: 'a' }], next_page_token: 'x' } },
      { body: { experiments: [{ name: 'b' }] } },
    );
    expect(await client().experiments.create('support')).toBe('7');
    expect((await client().experiments.search().toArray()).map(({ name }) => name)).toEqual(['a', 'b']);
  });
});
