import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoExperimentStore } from '../../../../shared/adapters/dynamo-experiment-store.ts';
import type { RuleStore } from '../../../../shared/domain/ports.ts';
import { type Api, aKeyOf, callerOf, startApi } from './an-api.ts';

let api: Api;
beforeAll(async () => {
  api = await startApi();
}, 60_000);
afterAll(() => api.stop());

const base = '/api/2.0/mlflow/experiments';

async function create(name: string, rest: object = {}): Promise<string> {
  const { status, body } = await api.call('POST', `${base}/create`, { name, ...rest });
  expect([status, body]).toEqual([200, { experiment_id: expect.stringMatching(/^\d+$/) }]);
  return String(body.experiment_id);
}

async function get(id: string) {
  return (await api.call('GET', `${base}/get?experiment_id=${id}`)).body.experiment as Record<string, unknown>;
}

const post = (route: string, body: object, call = api.call) => call('POST', `${base}/${route}`, body);
const setTag = (id: string, key: string, value: unknown, call = api.call) =>
  post('set-experiment-tag', { experiment_id: id, key, value }, call);

function aStartOf(experimentId: string): object {
  const location = { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experimentId } };
  const info = { trace_id: `tr-${'1'.repeat(32)}`, trace_location: location, state: 'OK' };
  return { trace: { trace_info: { ...info, request_time: '2026-06-01T12:00:00Z', execution_duration: '1s' } } };
}

describe('an experiment', () => {
  it('has the tags and the artifact location that it was made with', async () => {
    const id = await create('made', {
      artifact_location: 's3://bucket/path',
      tags: [
        { key: 'team', value: 'a' },
        { key: 'empty', value: null },
      ],
    });
    expect(await get(id)).toMatchObject({
      artifact_location: 's3://bucket/path',
      tags: [
        { key: 'empty', value: '' },
        { key: 'team', value: 'a' },
      ].toReversed(),
    });
    const other = await create('with nulls', { artifact_location: null, tags: null });
    expect(await get(other)).toMatchObject({ artifact_location: `mlflow-artifacts:/${other}`, tags: [] });
    expect((await post('create', { name: 'made' })).body.error_code).toBe('RESOURCE_ALREADY_EXISTS');
  });

  it.each([
    [{}, "Missing value for required parameter 'name'."],
    [{ name: null }, "Missing value for required parameter 'name'."],
    [{ name: '' }, /^Invalid value "" for parameter 'name' supplied/],
    [{ name: 5 }, /^Invalid value 5 for parameter 'name' supplied/],
    [{ name: 'x'.repeat(501) }, /exceeds the maximum length of 500/],
    [{ name: 'n', tags: 'x' }, /^Invalid value "x" for parameter 'tags' supplied/],
    [{ name: 'n', tags: [{ value: 'x' }] }, "Missing value for required parameter 'tags[0].key'."],
    [{ name: 'n', tags: [{ key: 'a$b', value: 'x' }] }, /Names may only contain alphanumerics/],
    [{ name: 'n', tags: [{ key: 'a/../b', value: 'x' }] }, /must not resolve to other names/],
    [{ name: 'n', tags: [{ key: 'a', value: 'x'.repeat(20_001) }] }, /20000 characters/],
    [{ name: 'n', tags: [{ key: 'assay.settleDelay', value: '1' }] }, /there are assay\.settleDelaySeconds, /],
    [{ name: 'n', tags: [{ key: 'assay.otelTable', value: 'spans' }] }, /expected catalog\.schema\.table/],
  ])('%j is refused in MLflow’s words', async (body, message) => {
    const reply = await post('create', body);
    expect([reply.status, reply.body.error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE']);
    expect(reply.body.message).toMatch(message);
    expect((await api.call('GET', `${base}/get-by-name?experiment_name=n`)).status).toBe(404);
  });

  it('that is renamed frees its name', async () => {
    const id = await create('before');
    expect(await post('update', { experiment_id: id, new_name: 'after' })).toMatchObject({ status: 200, body: {} });
    expect((await get(id)).name).toBe('after');
    await create('before');
    expect((await post('update', { experiment_id: id, new_name: 'before' })).body.error_code).toBe(
      'RESOURCE_ALREADY_EXISTS',
    );
    expect((await post('update', { experiment_id: id, new_name: null })).status).toBe(400);
  });

  it('is deleted and restored, as often as that is asked', async () => {
    const id = await create('deleted');
    for (const [route, stage] of [
      ['delete', 'deleted'],
      ['restore', 'active'],
    ] as const) {
      for (const _ of [1, 2]) expect(await post(route, { experiment_id: id })).toMatchObject({ status: 200, body: {} });
      expect((await get(id)).lifecycle_stage).toBe(stage);
    }
    expect(await post('delete', { experiment_id: '99999' })).toMatchObject({ status: 404 });
    expect(await post('delete', { experiment_id: 'abc' })).toMatchObject({ status: 400 });
  });

  it('that is deleted takes no change, and its name stays taken', async () => {
    const id = await create('closed', { tags: [{ key: 'a', value: 'b' }] });
    await post('delete', { experiment_id: id });
    for (const reply of [
      await setTag(id, 'a', 'c'),
      await setTag(id, 'assay.otelTable', 'a.b.c'),
      await post('delete-experiment-tag', { experiment_id: id, key: 'a' }),
      await post('update', { experiment_id: id, new_name: 'open' }),
      await api.call('POST', '/api/3.0/mlflow/traces', aStartOf(id)),
    ]) {
      expect([reply.status, reply.body.error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE']);
      expect(reply.body.message).toMatch(/non-active|must be in the 'active' state/);
    }
    expect((await post('create', { name: 'closed' })).body.error_code).toBe('RESOURCE_ALREADY_EXISTS');
    expect((await get(id)).tags).toEqual([{ key: 'a', value: 'b' }]);
  });

  it('has its tags set and removed', async () => {
    const id = await create('tagged');
    expect((await setTag(id, 'dotted.key with/all:of it', 'v')).status).toBe(200);
    expect((await setTag(id, 'null', null)).status).toBe(200);
    expect((await get(id)).tags).toEqual(expect.arrayContaining([{ key: 'null', value: '' }]));
    const remove = () => post('delete-experiment-tag', { experiment_id: id, key: 'dotted.key with/all:of it' });
    expect((await remove()).status).toBe(200);
    expect(await remove()).toMatchObject({ status: 404, body: { error_code: 'RESOURCE_DOES_NOT_EXIST' } });
    expect((await get(id)).tags).toEqual([{ key: 'null', value: '' }]);
  });

  it('0 is there from the beginning and changes as the others do', async () => {
    expect((await setTag('0', 'team', 'all')).status).toBe(200);
    expect(await get('0')).toMatchObject({ name: 'Default', tags: [{ key: 'team', value: 'all' }] });
    await post('delete', { experiment_id: '0' });
    expect(await get('0')).toMatchObject({ lifecycle_stage: 'deleted' });
    await post('restore', { experiment_id: '0' });
    expect((await post('create', { name: 'Default' })).body.error_code).toBe('RESOURCE_ALREADY_EXISTS');
  });
});

describe('a setting', () => {
  const settings = async (id: string) => (await api.deps.rules.current(id)).settings;

  it('is a tag, and the rules say it', async () => {
    const id = await create('set', { tags: [{ key: 'assay.settleDelaySeconds', value: '30' }] });
    expect(await settings(id)).toMatchObject({
      settleDelaySeconds: 30,
      idleCloseMinutes: 15,
      rejudgeLateSpans: false,
      sessionIdleMinutes: 5,
    });
    await setTag(id, 'assay.rejudgeLateSpans', 'True');
    await setTag(id, 'assay.idleCloseMinutes', '60');
    expect(await api.deps.rules.current(id)).toMatchObject({
      version: 3,
      settings: { settleDelaySeconds: 30, idleCloseMinutes: 60, rejudgeLateSpans: true },
    });
    // Once more changes nothing.
    await setTag(id, 'assay.idleCloseMinutes', '60');
    expect((await api.deps.rules.current(id)).version).toBe(3);
    await post('delete-experiment-tag', { experiment_id: id, key: 'assay.settleDelaySeconds' });
    expect((await settings(id)).settleDelaySeconds).toBe(5);
  });

  it.each(['bedrock:/us.amazon.nova-micro-v1:0', 'gateway:/fast', 'databricks'])(
    'names the model of judges that name none: %s',
    async (model) => {
      const id = await create(`judged by ${model}`, { tags: [{ key: 'assay.judgeModel', value: model }] });
      expect((await settings(id)).judgeModel).toBe(model);
      await post('delete-experiment-tag', { experiment_id: id, key: 'assay.judgeModel' });
      expect((await settings(id)).judgeModel).toBeUndefined();
    },
  );

  it.each([
    ['assay.judgeModel', 'GPT 4', /a model such as bedrock/],
    ['assay.judgeModel', '', /a model such as/],
    ['assay.settleDelaySeconds', '-1', /whole number from 0 to 900/],
    ['assay.settleDelaySeconds', '901', /whole number from 0 to 900/],
    ['assay.settleDelaySeconds', '1.5', /whole number/],
    ['assay.settleDelaySeconds', null, /whole number/],
    ['assay.idleCloseMinutes', '0', /whole number from 1 to 10080/],
    ['assay.rejudgeLateSpans', 'maybe', /true or false/],
    ['assay.sessionIdleMinutes', '0', /whole number from 1 to 10080/],
    ['assay.constructor', 'x', /is not known/],
  ])('%s = %s is refused', async (key, value, message) => {
    const reply = await setTag('0', key, value);
    expect([reply.status, reply.body.message]).toEqual([400, expect.stringMatching(message)]);
    expect((await settings('0')).settleDelaySeconds).toBe(5);
  });

  /** Rules that cannot be written, once. */
  function dyingRules(): RuleStore {
    let isFirst = true;
    return {
      ...api.deps.rules,
      async replace(rules) {
        if (isFirst) {
          isFirst = false;
          throw new Error('killed');
        }
        return api.deps.rules.replace(rules);
      },
    };
  }

  it('is completed by the next attempt where the first died before the rules were written', async () => {
    const id = await create('dies');
    const call = callerOf({ ...api.deps, rules: dyingRules() });
    expect((await setTag(id, 'assay.settleDelaySeconds', '7', call)).status).toBe(500);
    expect((await settings(id)).settleDelaySeconds).toBe(5);
    expect((await setTag(id, 'assay.settleDelaySeconds', '7', call)).status).toBe(200);
    expect((await settings(id)).settleDelaySeconds).toBe(7);
  });

  it('of an experiment whose maker died is set by the next who wants to make it', async () => {
    const body = { name: 'made half', tags: [{ key: 'assay.settleDelaySeconds', value: '8' }] };
    const call = callerOf({ ...api.deps, rules: dyingRules() });
    expect((await post('create', body, call)).status).toBe(500);
    expect((await post('create', body, call)).body.error_code).toBe('RESOURCE_ALREADY_EXISTS');
    const found = await api.call('GET', `${base}/get-by-name?experiment_name=made%20half`);
    const { experiment_id: id } = found.body.experiment as { experiment_id: string };
    expect((await settings(id)).settleDelaySeconds).toBe(8);
  });

  it('of writers that race ends as the tag does', async () => {
    const id = await create('raced settings');
    await Promise.all([10, 20, 30, 40].map((n) => setTag(id, 'assay.settleDelaySeconds', String(n))));
    const [tag] = (await get(id)).tags as { value: string }[];
    expect((await settings(id)).settleDelaySeconds).toBe(Number(tag?.value));
  });
});

describe('a table', () => {
  it('is named by a tag, in small letters, and belongs to one experiment', async () => {
    const first = await create('answers', { tags: [{ key: 'assay.otelTable', value: 'Main.Traces.Spans' }] });
    expect((await get(first)).tags).toEqual([{ key: 'assay.otelTable', value: 'main.traces.spans' }]);
    const second = await create('wants');
    const refused = await setTag(second, 'assay.otelTable', 'main.traces.spans');
    expect(refused).toMatchObject({ status: 400, body: { error_code: 'RESOURCE_ALREADY_EXISTS' } });
    expect(refused.body.message).toMatch(`table main.traces.spans belongs to experiment ${first}`);
    const made = await post('create', {
      name: 'third',
      tags: [{ key: 'assay.otelTable', value: 'main.traces.spans' }],
    });
    expect(made.status).toBe(400);
    expect((await api.call('GET', `${base}/get-by-name?experiment_name=third`)).status).toBe(404);
    await post('delete-experiment-tag', { experiment_id: first, key: 'assay.otelTable' });
    expect((await setTag(second, 'assay.otelTable', 'main.traces.spans')).status).toBe(200);
    expect(await api.deps.otelTables.find('main.traces.spans')).toBe(second);
  });

  it('of an archive is noted as it is written, for any number of experiments, and does nothing', async () => {
    const tag = { key: 'assay.archiveTable', value: 'Main.Traces.Archive' };
    for (const name of ['archived', 'archived, too']) {
      expect((await get(await create(name, { tags: [tag] }))).tags).toEqual([tag]);
    }
    expect(await api.deps.otelTables.find('main.traces.archive')).toBeUndefined();
    expect((await setTag('0', 'assay.archiveTable', 'archive')).body.message).toMatch(
      /expected catalog\.schema\.table/,
    );
  });
});

describe('a search', () => {
  it('pages, by POST and by GET, and what is made meanwhile shifts nothing', async () => {
    const names = Array.from({ length: 7 }, (_, i) => `page ${i}`);
    for (const name of names) await create(name);
    const seen: unknown[] = [];
    let token: unknown = null;
    for (let page = 0; page < 4; page++) {
      const wanted = {
        max_results: 2,
        filter: "name LIKE 'page %'",
        view_type: null,
        order_by: ['experiment_id DESC'],
        page_token: token,
      };
      const query = new URLSearchParams({
        max_results: '2',
        filter: "name LIKE 'page %'",
        view_type: 'ACTIVE_ONLY',
        order_by: 'experiment_id DESC',
      });
      if (token) query.set('page_token', String(token));
      const byGet = await api.call('GET', `${base}/search?${query}`);
      const { status, body } = await post('search', wanted);
      expect(status).toBe(200);
      expect(byGet.body).toEqual(body);
      seen.push(...(body.experiments as { name: string }[]).map(({ name }) => name));
      token = body.next_page_token;
      if (page === 0) await create('page of later');
    }
    expect(seen).toEqual(names.toReversed());
    expect(token).toBeUndefined();
  });

  it('shows what is deleted where that is asked for', async () => {
    const id = await create('seen deleted');
    await post('delete', { experiment_id: id });
    const found = async (view: unknown) => {
      const { body } = await post('search', { view_type: view, filter: "name = 'seen deleted'" });
      return (body.experiments as unknown[]).length;
    };
    expect(await Promise.all([undefined, 'ACTIVE_ONLY', 'DELETED_ONLY', 'ALL', 1, 2, 3].map(found))).toEqual([
      0, 0, 1, 1, 0, 1, 1,
    ]);
  });

  it('of nothing at all has the newest first', async () => {
    const { body } = await post('search', {});
    expect((body.experiments as { name: string }[]).at(-1)?.name).toBe('Default');
  });

  it.each([
    [{ max_results: 0 }, /positive integer/],
    [{ max_results: 50_001 }, /at most 50000/],
    [{ view_type: 'SOME' }, /view_type/],
    [{ page_token: 'garbage' }, 'Invalid page token, could not base64-decode'],
    [{ order_by: ['name SIDEWAYS'] }, "Invalid ordering key in order_by clause 'name SIDEWAYS'."],
    [{ order_by: ['tags.x'] }, 'Invalid order_by entity: tag'],
    [{ filter: 'name = 1' }, /Expected a quoted string/],
  ])('with %j is told what is wrong', async (body, message) => {
    const reply = await post('search', body);
    expect([reply.status, reply.body.error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE']);
    expect(reply.body.message).toMatch(message);
  });

  it('reads a hundred experiments with each call', async () => {
    const { client } = api.tables;
    let calls = 0;
    const counting = Object.create(client) as typeof client;
    counting.send = (async (command: never) => {
      calls++;
      return client.send(command);
    }) as typeof client.send;
    const experiments = dynamoExperimentStore(counting, api.tables.registry);
    await post('search', {}, callerOf({ ...api.deps, experiments }));
    expect(calls).toBeLessThanOrEqual(2);
  });
});

describe('a key that is limited', () => {
  it('finds and changes its own experiments alone, and makes none', async () => {
    const [own, other] = [await create('own'), await create('not own')];
    const call = callerOf(api.deps, aKeyOf(own));
    const found = (await post('search', {}, call)).body.experiments as { experiment_id: string }[];
    expect(found.map((one) => one.experiment_id)).toEqual([own]);
    expect((await post('create', { name: 'new' }, call)).status).toBe(403);
    expect((await setTag(own, 'a', 'b', call)).status).toBe(200);
    for (const reply of [
      await setTag(other, 'a', 'b', call),
      await post('delete', { experiment_id: other }, call),
      await post('restore', { experiment_id: other }, call),
      await post('update', { experiment_id: other, new_name: 'mine' }, call),
      await call('GET', `${base}/get-by-name?experiment_name=not%20own`),
    ])
      expect(reply.status).toBe(403);
  });
});
