import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, aKeyOf, callerOf, startApi } from './an-api.ts';

let api: Api;
let experiment: string;
beforeAll(async () => {
  api = await startApi();
  experiment = await anExperiment('of runs');
}, 60_000);
afterAll(() => api.stop());

const base = '/api/2.0/mlflow';

const post = (route: string, body: object, call = api.call) => call('POST', `${base}/runs/${route}`, body);

async function anExperiment(name: string, rest: object = {}): Promise<string> {
  const { body } = await api.call('POST', `${base}/experiments/create`, { name, ...rest });
  return String(body.experiment_id);
}

interface WireRun {
  readonly info: Readonly<Record<string, unknown>> & { readonly run_id: string };
  readonly data: Readonly<Record<'metrics' | 'params' | 'tags', Readonly<Record<string, unknown>>[]>>;
  readonly inputs: { readonly dataset_inputs: unknown[] };
}

async function start(rest: object = {}): Promise<string> {
  const { status, body } = await post('create', { experiment_id: experiment, start_time: 1_000, ...rest });
  expect(status).toBe(200);
  return (body.run as WireRun).info.run_id;
}

async function get(runId: string): Promise<WireRun> {
  const { status, body } = await api.call('GET', `${base}/runs/get?run_uuid=${runId}&run_id=${runId}`);
  expect(status).toBe(200);
  return body.run as WireRun;
}

const ok = { status: 200, body: {} };
const invalid = (message: string | RegExp) => ({
  status: 400,
  body: { error_code: 'INVALID_PARAMETER_VALUE', message: expect.stringMatching(message) },
});
const metric = (key: string, value: unknown, rest: object = {}) => ({ key, value, timestamp: 1, step: 0, ...rest });

describe('a run', () => {
  it('is made, updated, ended and read', async () => {
    const tags = [{ key: 'mlflow.user', value: 'ann' }];
    const id = await start({ user_id: 'ann', run_name: 'first', tags });
    expect(await get(id)).toEqual({
      info: {
        run_uuid: id,
        run_id: id,
        experiment_id: experiment,
        run_name: 'first',
        user_id: 'ann',
        status: 'RUNNING',
        start_time: 1_000,
        artifact_uri: `mlflow-artifacts:/${experiment}/${id}/artifacts`,
        lifecycle_stage: 'active',
      },
      data: { metrics: [], params: [], tags: [...tags, { key: 'mlflow.runName', value: 'first' }] },
      inputs: { dataset_inputs: [] },
    });
    const updated = await post('update', { run_id: id, status: 'FINISHED', end_time: 2_000, run_name: 'renamed' });
    expect(updated.body.run_info).toMatchObject({ status: 'FINISHED', end_time: 2_000, run_name: 'renamed' });
    expect((await post('update', { run_id: id, status: null })).body.run_info).toMatchObject({ status: 'FINISHED' });
    expect((await get(id)).data.tags).toContainEqual({ key: 'mlflow.runName', value: 'renamed' });
  });

  it('without a name gets one, as many as start at the same time', async () => {
    const nulls = { tags: null, run_name: null, user_id: null };
    const ids = await Promise.all(Array.from({ length: 5 }, () => start(nulls)));
    expect(new Set(ids).size).toBe(5);
    expect((await get(ids[0] ?? '')).info.run_name).toMatch(/^[a-z]+-[a-z]+-\d+$/);
  });

  it('has its name as a tag, too', async () => {
    const id = await start({ tags: [{ key: 'mlflow.runName', value: 'by tag' }] });
    expect((await get(id)).info.run_name).toBe('by tag');
    expect(await post('set-tag', { run_id: id, key: 'mlflow.runName', value: 'other' })).toMatchObject(ok);
    expect((await get(id)).info.run_name).toBe('other');
    expect(await post('delete-tag', { run_id: id, key: 'mlflow.runName' })).toMatchObject(invalid(/the run's name/));
    const two = { experiment_id: experiment, run_name: 'a', tags: [{ key: 'mlflow.runName', value: 'b' }] };
    expect(await post('create', two)).toMatchObject(invalid(/^Both 'run_name' argument and/));
  });

  it('lies where its experiment wants artifacts', async () => {
    const id = await start({ experiment_id: await anExperiment('elsewhere', { artifact_location: 's3://b/p/' }) });
    expect((await get(id)).info.artifact_uri).toBe(`s3://b/p/${id}/artifacts`);
  });

  it('has tags set and removed', async () => {
    const id = await start();
    await post('set-tag', { run_uuid: id, key: 'a', value: 'x'.repeat(9_000) });
    expect((await post('set-tag', { run_id: id, key: 'a#b', value: 'no' })).status).toBe(400);
    expect((await get(id)).data.tags).toContainEqual({ key: 'a', value: 'x'.repeat(8_000) });
    expect(await post('delete-tag', { run_id: id, key: 'a' })).toMatchObject(ok);
    expect(await post('delete-tag', { run_id: id, key: 'a' })).toMatchObject({
      status: 404,
      body: { error_code: 'RESOURCE_DOES_NOT_EXIST', message: `No tag with name: a in run with id ${id}` },
    });
  });

  it('keeps the value that a parameter was given first', async () => {
    const id = await start();
    const log = (value: unknown) => post('log-parameter', { run_id: id, key: 'depth', value });
    expect(await log('3')).toMatchObject(ok);
    expect(await log('3')).toMatchObject(ok);
    expect(await log('4')).toMatchObject(invalid(/^Changing param values is not allowed.*'depth'.*value='3'/));
    const params = [
      { key: 'fresh', value: '1' },
      { key: 'depth', value: '5' },
    ];
    expect(await post('log-batch', { run_id: id, params })).toMatchObject(invalid(/Changing param values/));
    // Nothing of the batch.
    expect((await get(id)).data.params).toEqual([{ key: 'depth', value: '3' }]);
    const twice = [params[0], params[0]];
    expect(await post('log-batch', { run_id: id, params: twice })).toMatchObject(invalid(/Duplicate parameter keys/));
  });

  it('lets one of several values of a parameter win', async () => {
    const id = await start();
    const replies = await Promise.all(
      Array.from({ length: 6 }, (_, i) => post('log-parameter', { run_id: id, key: 'raced', value: String(i) })),
    );
    const winners = replies.flatMap(({ status }, i) => (status === 200 ? [String(i)] : []));
    expect(winners).toHaveLength(1);
    expect((await get(id)).data.params).toEqual([{ key: 'raced', value: winners[0] }]);
  });

  it('shows the latest of each metric by step, time and value, whatever came last', async () => {
    const id = await start();
    for (const one of [
      metric('m', 1, { step: 5 }),
      metric('m', 9, { step: -3, timestamp: 99 }),
      metric('m', 2, { step: 5, timestamp: 2 }),
      metric('m', -7, { step: 5, timestamp: 2 }),
    ])
      expect(await post('log-metric', { run_id: id, ...one })).toMatchObject(ok);
    expect((await get(id)).data.metrics).toEqual([{ key: 'm', value: 2, timestamp: 2, step: 5 }]);
    const { body } = await api.call('GET', `${base}/metrics/get-history?run_id=${id}&metric_key=m`);
    expect((body.metrics as { value: number }[]).map(({ value }) => value)).toEqual([1, -7, 2, 9]);
  });

  it('tells the steps next to each other apart, beyond zero as well', async () => {
    const id = await start();
    for (const step of [-2, -1, 0, 1, 2, 3]) await post('log-metric', { run_id: id, ...metric('s', 0, { step }) });
    const { body } = await api.call('GET', `${base}/metrics/get-history?run_id=${id}&metric_key=s`);
    expect((body.metrics as { step: number }[]).map(({ step }) => step)).toEqual([-2, -1, 0, 1, 2, 3]);
    expect((await get(id)).data.metrics).toMatchObject([{ step: 3 }]);
  });

  it('keeps the numbers that JSON cannot spell', async () => {
    const id = await start();
    const metrics = [
      metric('nan', 'NaN'),
      metric('inf', 'Infinity'),
      metric('low', '-Infinity'),
      metric('big', 1e300),
      metric('text', '0.25', { timestamp: '1', step: '2' }),
    ];
    expect(await post('log-batch', { run_id: id, metrics })).toMatchObject(ok);
    const values = (await get(id)).data.metrics.map(({ key, value }) => [key, value]);
    expect(Object.fromEntries(values)).toEqual({
      nan: 'NaN',
      inf: Number.MAX_VALUE,
      low: -Number.MAX_VALUE,
      big: 1e300,
      text: 0.25,
    });
  });

  it('takes a thousand metrics at once, twice, and pages their history', async () => {
    const id = await start();
    const metrics = Array.from({ length: 1_000 }, (_, i) =>
      metric(i < 900 ? 'long' : `m${i}`, i / 8, { timestamp: i }),
    );
    for (const _ of [1, 2]) expect(await post('log-batch', { run_id: id, metrics })).toMatchObject(ok);
    expect((await get(id)).data.metrics).toHaveLength(101);
    const steps: number[] = [];
    let token = '';
    do {
      const path = `${base}/metrics/get-history?run_id=${id}&metric_key=long&max_results=400${token}`;
      const { body } = await api.call('GET', path);
      steps.push(...(body.metrics as { timestamp: number }[]).map(({ timestamp }) => timestamp));
      token = body.next_page_token ? `&page_token=${body.next_page_token}` : '';
    } while (token !== '');
    expect(steps).toEqual(Array.from({ length: 900 }, (_, i) => i));
  });

  it('outgrows no item', async () => {
    const id = await start();
    const tags = Array.from({ length: 100 }, (_, i) => ({ key: `t${i}`, value: 'x'.repeat(8_000) }));
    expect(await post('log-batch', { run_id: id, tags })).toMatchObject(ok);
    expect((await get(id)).data.tags).toHaveLength(101);
  });

  it('has the datasets that it was given, each once', async () => {
    const id = await start();
    const dataset = {
      name: 'd',
      digest: '161f9b71',
      source_type: 'code',
      source: '{}',
      schema: '{"a":1}',
      profile: null,
    };
    const datasets = [{ dataset, tags: [{ key: 'mlflow.data.context', value: 'eval' }] }];
    for (const _ of [1, 2]) expect(await post('log-inputs', { run_id: id, datasets, models: [] })).toMatchObject(ok);
    const { profile: _, ...kept } = dataset;
    expect((await get(id)).inputs).toEqual({ dataset_inputs: [{ ...datasets[0], dataset: kept }] });
    const large = { ...dataset, schema: 'x'.repeat(400_000) };
    expect(await post('log-inputs', { run_id: id, datasets: [{ dataset: large }] })).toMatchObject(
      invalid(/more than 300000 bytes/),
    );
    expect(await post('log-inputs', { run_id: id, models: [{ model_id: 'm' }] })).toMatchObject(
      invalid(/logged models are not kept/),
    );
  });

  it('that is deleted takes no change until it is restored', async () => {
    const id = await start();
    for (const _ of [1, 2]) expect(await post('delete', { run_id: id })).toMatchObject(ok);
    expect((await get(id)).info.lifecycle_stage).toBe('deleted');
    for (const [route, body] of [
      ['update', { status: 'FAILED' }],
      ['set-tag', { key: 'a', value: 'b' }],
      ['log-metric', metric('m', 1)],
      ['log-parameter', { key: 'a', value: 'b' }],
      ['log-batch', {}],
      ['log-inputs', {}],
    ] as const)
      expect(await post(route, { run_id: id, ...body })).toMatchObject(invalid(/must be in the 'active' state/));
    await post('restore', { run_id: id });
    expect(await post('set-tag', { run_id: id, key: 'a', value: 'b' })).toMatchObject(ok);
  });

  it('of a deleted experiment counts as deleted, and as it was when that is restored', async () => {
    const of = await anExperiment('deleted with runs');
    const [kept, gone] = [await start({ experiment_id: of }), await start({ experiment_id: of })];
    await post('delete', { run_id: gone });
    await api.call('POST', `${base}/experiments/delete`, { experiment_id: of });
    expect((await get(kept)).info.lifecycle_stage).toBe('deleted');
    expect(await post('create', { experiment_id: of })).toMatchObject(
      invalid(/experiment \d+ must be in the 'active'/),
    );
    expect(await post('set-tag', { run_id: kept, key: 'a', value: 'b' })).toMatchObject(invalid(/'active' state/));
    const found = async (view: string) =>
      ((await post('search', { experiment_ids: [of], run_view_type: view })).body.runs as unknown[]).length;
    expect([await found('ACTIVE_ONLY'), await found('DELETED_ONLY')]).toEqual([0, 2]);
    await api.call('POST', `${base}/experiments/restore`, { experiment_id: of });
    expect([await found('ACTIVE_ONLY'), await found('DELETED_ONLY'), await found('ALL')]).toEqual([1, 1, 2]);
  });

  it.each([
    ['log-metric', { run_id: 'nope', ...metric('a', 1) }, 404, 'Run with id=nope not found'],
    ['log-metric', metric('a', 1), 400, "Missing value for required parameter 'run_id'."],
    ['log-metric', { run_id: 'nope', key: 'a', timestamp: 1 }, 400, "Missing value for required parameter 'value'."],
    ['log-metric', { run_id: 'nope', ...metric('a', 'x') }, 400, /^Invalid value "x" for parameter 'value' supplied/],
    ['log-metric', { run_id: 'nope', ...metric('a', 1, { timestamp: -1 }) }, 400, /nonnegative/],
    ['log-metric', { run_id: 'nope', ...metric('a', 1, { step: 1.5 }) }, 400, /parameter 'step'/],
    ['log-metric', { run_id: 'nope', ...metric('../a', 1) }, 400, /parameter 'key'/],
    ['log-batch', { run_id: 'nope', metrics: Array(1_001).fill(metric('a', 1)) }, 400, /at most 1000 metrics/],
    ['log-batch', { run_id: 'nope', tags: Array(101).fill({ key: 'a', value: 'b' }) }, 400, /at most 100 tags/],
    ['update', { run_id: 'nope', status: 'WEIRD' }, 400, /parameter 'status'/],
    ['create', { experiment_id: '99999' }, 404, 'No Experiment with id=99999 exists'],
    ['create', { experiment_id: 'abc' }, 400, /Experiment ID must be a valid integer/],
    ['create', { experiment_id: '0', start_time: 2 ** 45 }, 400, /parameter 'start_time'/],
  ])('%s of %j is refused with %d', async (route, body, status, message) => {
    const reply = await post(route, body);
    expect([reply.status, reply.body.message]).toEqual([status, expect.stringMatching(message)]);
  });
});

describe('a search of runs', () => {
  it('pages through several experiments, newest first, whatever is made meanwhile', async () => {
    const ids = [await anExperiment('search a'), await anExperiment('search b')];
    const times = [5, 3, 9, 3, 7, 1, 3];
    for (const [i, time] of times.entries())
      await start({
        experiment_id: ids[i % 2],
        start_time: time,
        run_name: `r${i}`,
        tags: [{ key: 'i', value: `${i}` }],
      });
    const seen: WireRun[] = [];
    let token: unknown = null;
    do {
      const reply = await post('search', {
        experiment_ids: ids,
        max_results: 2,
        page_token: token,
        filter: null,
        order_by: null,
      });
      expect(reply.status).toBe(200);
      if (!token) await start({ experiment_id: ids[0], start_time: 100 });
      seen.push(...(reply.body.runs as WireRun[]));
      token = reply.body.next_page_token;
    } while (token);
    expect(seen.map(({ info }) => info.start_time)).toEqual(times.toSorted((a, b) => b - a));
    expect(new Set(seen.map(({ info }) => info.run_id)).size).toBe(times.length);
    for (const { info, data } of seen)
      expect(`r${data.tags.find(({ key }) => key === 'i')?.value}`).toBe(info.run_name);
  });

  it('filters and sorts by what runs have', async () => {
    const id = await anExperiment('filtered runs');
    for (const value of [1, 3, 2]) {
      const runId = await start({ experiment_id: id, start_time: value });
      await post('log-batch', {
        run_id: runId,
        metrics: [metric('m', value)],
        params: [{ key: 'p', value: `${value}` }],
      });
    }
    const values = async (rest: object) => {
      const { body } = await post('search', { experiment_ids: [id], ...rest });
      return (body.runs as WireRun[]).map(({ data }) => data.metrics[0]?.value);
    };
    expect(await values({ filter: "metrics.m > 1 AND params.p != '3'" })).toEqual([2]);
    expect(await values({ order_by: ['metrics.m ASC'] })).toEqual([1, 2, 3]);
    expect(await values({ order_by: ['start_time DESC'] })).toEqual([3, 2, 1]);
    const first = await post('search', { experiment_ids: [id], order_by: ['metrics.m'], max_results: 2 });
    expect(await values({ order_by: ['metrics.m'], max_results: 2, page_token: first.body.next_page_token })).toEqual([
      3,
    ]);
  });

  it.each([
    [{ max_results: 50_001 }, /at most 50000/],
    [{ filter: "metrics.x = '5'" }, /Expected numeric value type/],
    [{ order_by: ['bogus'] }, /Invalid attribute key 'bogus'/],
    [{ page_token: 'x' }, /Invalid page token/],
    [{ page_token: Buffer.from('{"before":5}').toString('base64url') }, /Invalid page token/],
    [{ run_view_type: 'SOME' }, /run_view_type/],
  ])('with %j is told what is wrong', async (body, message) => {
    expect(await post('search', { experiment_ids: [experiment], ...body })).toMatchObject(invalid(message));
  });

  it('of no experiment, or one that does not exist, finds nothing', async () => {
    expect((await post('search', {})).body).toEqual({ runs: [] });
    expect((await post('search', { experiment_ids: ['99999'] })).body).toEqual({ runs: [] });
  });
});

it('is closed to a key of another experiment', async () => {
  const id = await start();
  const call = callerOf(api.deps, aKeyOf('0'));
  for (const [route, body] of [
    ['create', { experiment_id: experiment }],
    ['update', { run_id: id }],
    ['delete', { run_id: id }],
    ['restore', { run_id: id }],
    ['set-tag', { run_id: id, key: 'a', value: 'b' }],
    ['delete-tag', { run_id: id, key: 'a' }],
    ['log-metric', { run_id: id, ...metric('m', 1) }],
    ['log-parameter', { run_id: id, key: 'a', value: 'b' }],
    ['log-batch', { run_id: id }],
    ['log-inputs', { run_id: id }],
    ['search', { experiment_ids: [experiment] }],
  ] as const)
    expect([route, (await post(route, body, call)).status]).toEqual([route, 403]);
  expect((await call('GET', `${base}/runs/get?run_id=${id}`)).status).toBe(403);
  expect((await call('GET', `${base}/metrics/get-history?run_id=${id}&metric_key=m`)).status).toBe(403);
});
