import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoRuleStore } from '../../../../shared/adapters/dynamo-rule-store.ts';
import type { RuleStore } from '../../../../shared/domain/ports.ts';
import { type Api, callerOf, startApi } from './an-api.ts';

let api: Api;
beforeAll(async () => {
  api = await startApi();
}, 60_000);
afterAll(() => api.stop());

const base = '/api/3.0/mlflow/scorers';
const heuristic = { assay_heuristic: { type: 'error_free' } };
const safety = { builtin_scorer_class: 'Safety', builtin_scorer_pydantic_data: {} };
const thirdParty = { third_party_scorer_data: { module: 'mlflow.genai.scorers.ragas', class: 'Faithfulness' } };

function instructed(instructions: string, rest: object = {}) {
  return { instructions_judge_pydantic_data: { instructions, model: 'openai:/m', ...rest } };
}

function registration(name: string, kind: object = heuristic, experimentId = '0') {
  const serialized_scorer = JSON.stringify({ name, serialization_version: 1, ...kind });
  return { experiment_id: experimentId, name, serialized_scorer };
}

async function register(name: string, kind?: object, call = api.call) {
  return call('POST', `${base}/register`, registration(name, kind));
}

async function registerIn(experimentId: string, name: string, kind: object = heuristic) {
  return (await api.call('POST', `${base}/register`, registration(name, kind, experimentId))).body;
}

async function anExperiment(name: string): Promise<string> {
  return String((await api.call('POST', '/api/2.0/mlflow/experiments/create', { name })).body.experiment_id);
}

async function sample(name: string, rest: object, call = api.call) {
  return call('PUT', `${base}/online-config`, { experiment_id: '0', name, ...rest });
}

interface WireScorer {
  readonly experiment_id: number;
  readonly scorer_name: string;
  readonly scorer_version: number;
  readonly serialized_scorer: string;
  readonly scorer_id: string;
}

async function listed(query: string, call = api.call, headers?: Readonly<Record<string, string>>) {
  const { status, body } = await call('GET', `${base}/list${query}`, undefined, headers);
  if (status !== 200) throw new Error(String(body.message));
  return body.scorers as WireScorer[];
}

async function ruleOf(name: string) {
  return (await api.deps.rules.current('0')).scorers.find((rule) => rule.name === name);
}

/** Rules that change by another's hand right after they were first read. */
function changedMeanwhile(change: () => Promise<unknown>): RuleStore {
  let isFirst = true;
  return {
    ...api.deps.rules,
    async current(experimentId) {
      const rules = await api.deps.rules.current(experimentId);
      if (isFirst) {
        isFirst = false;
        await change();
      }
      return rules;
    },
  };
}

it('leaves a scorer stopped that was stopped while its next version was registered', async () => {
  await register('stopped');
  await sample('stopped', { sample_rate: 1 });
  const rules = changedMeanwhile(() => sample('stopped', { sample_rate: 0 }));
  expect((await register('stopped', heuristic, callerOf({ ...api.deps, rules }))).status).toBe(200);
  expect(await ruleOf('stopped')).toMatchObject({ version: 2, sampleRate: 0 });
});

it('does not bring back a scorer that was deleted while its next version was registered', async () => {
  await register('deleted');
  await sample('deleted', { sample_rate: 1 });
  const remove = () => api.call('DELETE', `${base}/delete`, { experiment_id: '0', name: 'deleted' });
  await register('deleted', heuristic, callerOf({ ...api.deps, rules: changedMeanwhile(remove) }));
  expect(await ruleOf('deleted')).toBeUndefined();
});

it('keeps the newest version active where an earlier registration ends last', async () => {
  await register('raced');
  await sample('raced', { sample_rate: 1 });
  const rules = changedMeanwhile(() => register('raced', safety));
  await register('raced', heuristic, callerOf({ ...api.deps, rules }));
  expect(await ruleOf('raced')).toMatchObject({ version: 3 });
});

it('pauses an active scorer whose new version can never run, and resumes with one that can', async () => {
  await register('swapped');
  await sample('swapped', { sample_rate: 0.5, filter_string: "status = 'OK'" });
  await register('swapped', thirdParty);
  const paused = { reason: expect.stringMatching(/Assay does not run/), since: api.deps.now() };
  expect(await ruleOf('swapped')).toMatchObject({ version: 2, sampleRate: 0.5, paused });
  // Neither a rate nor a filter starts what cannot run.
  expect((await sample('swapped', { filter_string: "status = 'ERROR'" })).status).toBe(400);
  expect(await ruleOf('swapped')).toMatchObject({ paused, filter: "status = 'OK'" });
  await register('swapped');
  const resumed = await ruleOf('swapped');
  expect(resumed).toMatchObject({ version: 3, sampleRate: 0.5, filter: "status = 'OK'" });
  expect(resumed).not.toHaveProperty('paused');
});

it.each([
  ['control characters', 'a\u0000b', heuristic, /control characters/],
  ['more than an item holds', 'large', { ...heuristic, description: 'x'.repeat(420_000) }, /350,000 bytes/],
])('refuses a registration with %s', async (_, name, kind, reason) => {
  const { status, body } = await register(name, kind);
  expect([status, body.message]).toEqual([400, expect.stringMatching(reason)]);
});

describe('starting', () => {
  const decorated = { call_source: 'return 1', call_signature: '(outputs)', original_func_name: 'one' };
  const ensemble = (parts: readonly object[], fn = 'majority_vote') => ({
    ensemble_scorer_data: {
      ensemble_fn: fn,
      scorers: parts.map((part) => ({ name: 'part', serialization_version: 1, ...part })),
    },
  });

  it.each([
    ['a heuristic', heuristic],
    ['a heuristic of MLflow', { builtin_scorer_class: 'RegexMatch', builtin_scorer_pydantic_data: { pattern: 'x' } }],
    ['a built-in judge', safety],
    ['guidelines', { builtin_scorer_class: 'Guidelines', builtin_scorer_pydantic_data: { guidelines: ['be kind'] } }],
    ['a judge with instructions and any model', instructed('Rate {{ outputs }}', { model: 'acme:/m' })],
    ['a judge of the whole trace', instructed('Look into {{trace}}')],
    ['a function', decorated],
    ['an ensemble', ensemble([safety, heuristic, decorated])],
    ['a judge of sessions', { ...instructed('Was {{ conversation }} good?'), is_session_level_scorer: true }],
  ])('takes %s', async (name, kind) => {
    await register(name, kind);
    expect(await sample(name, { sample_rate: 0.5 })).toMatchObject({ status: 200 });
    expect(await ruleOf(name)).toMatchObject({ sampleRate: 0.5 });
    await sample(name, { sample_rate: 0 });
  });

  it.each([
    ['a wrapper of another library', thirdParty, /Python library, which Assay does not run/],
    ['an aligned judge', { memory_augmented_judge_data: { base_judge: {} } }, /aligned with memory/],
    ['an unknown class', { builtin_scorer_class: 'Mood', builtin_scorer_pydantic_data: {} }, /Mood is not known here/],
    ['a heuristic of sessions', { ...heuristic, is_session_level_scorer: true }, /judge traces, not sessions/],
    ['an unreadable pattern', { assay_heuristic: { type: 'regex', pattern: '(?=x)' } }, /RE2 syntax/],
    ['an invalid schema', { assay_heuristic: { type: 'json_validity', schema: { type: 'x' } } }, /schema is invalid/],
    ['an unknown ensemble', ensemble([safety], 'median'), /median is not one of agg_all/],
    ['an ensemble with such a part', ensemble([safety, thirdParty]), /its part part cannot run: .*ragas/],
    [
      'an ensemble with such a pattern',
      ensemble([{ assay_heuristic: { type: 'regex', pattern: '(?=x)' } }]),
      /RE2 syntax/,
    ],
    ['instructions without variables', instructed('Is it good?'), /none of the variables \{\{ inputs \}\}/],
    ['instructions with unknown variables', instructed('{{ inputs }} {{ mood }}'), /variables other than .*: mood/],
    [
      'a conversation beside other variables',
      instructed('{{ conversation }} {{ outputs }}'),
      /other than \{\{ expectations \}\}/,
    ],
    ['an empty function', { call_source: ' ', original_func_name: 'none' }, /Python code is empty/],
    ['a judge that needs expectations', instructed('{{ outputs }} like {{ expectations }}?'), /requires expectations/],
  ])('refuses %s with the reason', async (name, kind, reason) => {
    expect((await register(name, kind)).status).toBe(200);
    const { status, body } = await sample(name, { sample_rate: 0.5 });
    expect([status, body.error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE']);
    expect(body.message).toMatch(reason);
    expect(body.message).toMatch(/is registered but cannot be started/);
    expect(await ruleOf(name)).toBeUndefined();
  });

  it('takes a judge that needs expectations where the filter asks for one', async () => {
    await register('expectant', instructed('{{ outputs }} like {{ expectations }}?'));
    const filter = "expectation.answer IS NOT NULL AND status = 'OK'";
    expect((await sample('expectant', { sample_rate: 1, filter_string: filter })).status).toBe(200);
    expect((await sample('expectant', { sample_rate: 1, filter_string: 'expectation.answer IS NULL' })).status).toBe(
      400,
    );
    await sample('expectant', { sample_rate: 0 });
  });

  it('refuses rates, filters and scorers that are none, in the words of MLflow', async () => {
    await register('asked');
    const refusal = async (name: string, rest: object) => {
      const { status, body } = await sample(name, rest);
      return [status, body.error_code, body.message];
    };
    expect(await refusal('asked', { sample_rate: 1.5 })).toEqual([
      400,
      'INVALID_PARAMETER_VALUE',
      'sample_rate must be between 0.0 and 1.0, got 1.5',
    ]);
    expect(await refusal('asked', { sample_rate: 0.5, filter_string: "a = 'b' OR c = 'd'" })).toEqual([
      400,
      'INVALID_PARAMETER_VALUE',
      expect.stringMatching(/Invalid clause|Invalid/),
    ]);
    expect(await refusal('nope', { sample_rate: 0.5 })).toEqual([
      404,
      'RESOURCE_DOES_NOT_EXIST',
      "Scorer with name 'nope' not found for experiment 0.",
    ]);
  });

  it('keeps the rate where only the filter is given, and clears the filter that is left out', async () => {
    await register('filtered');
    await sample('filtered', { sample_rate: 0.3 });
    const { body } = await sample('filtered', { sample_rate: null, filter_string: "status = 'OK'" });
    expect(body.config).toMatchObject({ sample_rate: 0.3, filter_string: "status = 'OK'" });
    const cleared = (await sample('filtered', { sample_rate: 0.4 })).body.config;
    expect(cleared).toMatchObject({ sample_rate: 0.4 });
    expect(cleared).not.toHaveProperty('filter_string');
  });

  it('refuses the 21st of an experiment, and says which are active', async () => {
    const id = await anExperiment('many scorers');
    const start = (name: string) =>
      api.call('PUT', `${base}/online-config`, { experiment_id: id, name, sample_rate: 0.1 });
    for (let i = 1; i <= 21; i++) await registerIn(id, `scorer ${i}`);
    for (let i = 1; i <= 20; i++) expect((await start(`scorer ${i}`)).status).toBe(200);
    const { status, body } = await start('scorer 21');
    expect(status).toBe(400);
    expect(body.message).toMatch(/at most 20 .*scorer 1, .*scorer 9 before starting scorer 21/);
  });
});

it('is in force at once where the rules are read, and on the hot path when its cache is over', async () => {
  await register('followed');
  let clock = api.deps.now();
  const { client, registry } = api.tables;
  const hotPath = dynamoRuleStore(client, registry, { cacheSeconds: 30, now: () => clock });
  const rateThere = async () =>
    (await hotPath.current('0')).scorers.find(({ name }) => name === 'followed')?.sampleRate;
  expect(await rateThere()).toBeUndefined();
  await sample('followed', { sample_rate: 0.7 });
  expect(await ruleOf('followed')).toMatchObject({ sampleRate: 0.7 });
  clock += 30_000;
  expect(await rateThere()).toBe(0.7);
});

describe('what is registered', () => {
  it('is listed for one experiment, for several, and for all that the key opens', async () => {
    const [one, two] = [await anExperiment('listed one'), await anExperiment('listed two')];
    await registerIn(one, 'b');
    await registerIn(one, 'a');
    await registerIn(two, 'c');
    const names = async (query: string, call?: typeof api.call) =>
      (await listed(query, call)).map((scorer) => `${scorer.experiment_id} ${scorer.scorer_name}`);
    expect(await names(`?experiment_id=${one}`)).toEqual([`${one} a`, `${one} b`]);
    const several = [`${one} a`, `${one} b`, `${two} c`];
    expect(await names(`?experiment_ids=${two}&experiment_ids=${one}&experiment_ids=99999`)).toEqual(several);
    expect(await names('')).toEqual(expect.arrayContaining(several));
    const limited = callerOf(api.deps, { lambda: { decision: 'allowed', role: 'read', experimentIds: two } });
    expect(await names('', limited)).toEqual([`${two} c`]);
    await expect(names(`?experiment_ids=${one}`, limited)).rejects.toThrow(/does not open/);
    await expect(names(`?experiment_id=${one}&experiment_ids=${two}`)).rejects.toThrow(/Cannot specify both/);
    await expect(names('?experiment_id=99999')).rejects.toThrow('No Experiment with id=99999 exists');
  });

  it('is read by version, and what is not there is said as MLflow says it', async () => {
    const [first, second] = [await register('read'), await register('read', safety)];
    const get = async (query: string) => (await api.call('GET', `${base}/get?experiment_id=0&name=read${query}`)).body;
    expect(first.body).toMatchObject({ version: 1, name: 'read', experiment_id: '0' });
    expect((await get('')).scorer).toMatchObject({ scorer_version: 2, scorer_id: second.body.scorer_id });
    expect((await get('&version=1')).scorer).toMatchObject({ scorer_version: 1, experiment_id: 0 });
    expect(await get('&version=3')).toEqual({
      error_code: 'RESOURCE_DOES_NOT_EXIST',
      message: "Scorer with name 'read' and version 3 not found for experiment 0.",
    });
    expect((await get('&version=x')).error_code).toBe('INVALID_PARAMETER_VALUE');
    const unknown = await api.call('GET', `${base}/versions?experiment_id=0&name=nope`);
    expect(unknown).toMatchObject({
      status: 404,
      body: { message: "Scorer with name 'nope' not found for experiment 0." },
    });
  });

  it('has its sampling looked up by ids without a look into every experiment', async () => {
    const id = await anExperiment('looked up');
    const [a, b] = [await registerIn(id, 'a'), await registerIn(id, 'b')];
    await api.call('PUT', `${base}/online-config`, { experiment_id: id, name: 'a', sample_rate: 0.25 });
    const experiments = { ...api.deps.experiments, list: () => Promise.reject(new Error('looked into all')) };
    const call = callerOf({ ...api.deps, experiments });
    const query = `scorer_ids=${a.scorer_id}&scorer_ids=${b.scorer_id}&scorer_ids=unknown`;
    const configs = async (by: typeof call, what: string) =>
      (await by('GET', `${base}/online-configs?${what}`)).body.configs as { scorer_id: string }[];
    const config = { scorer_id: a.scorer_id, experiment_id: id, sample_rate: 0.25 };
    expect(await configs(call, query)).toEqual([expect.objectContaining(config)]);
    expect(await configs(call, `experiment_id=${id}`)).toEqual([expect.objectContaining(config)]);
    const limited = callerOf(api.deps, { lambda: { decision: 'allowed', role: 'read', experimentIds: '0' } });
    expect(await configs(limited, query)).toEqual([]);
    expect(await api.call('GET', `${base}/online-configs`)).toMatchObject({ status: 400 });
  });
});

describe('deletion', () => {
  const remove = (name: string, version?: number | string) =>
    api.call('DELETE', `${base}/delete`, { experiment_id: '0', name, ...(version !== undefined && { version }) });

  it('of the latest version makes the one before current, in the rules too', async () => {
    await register('stepped');
    await sample('stepped', { sample_rate: 0.5 });
    await register('stepped', thirdParty);
    expect(await ruleOf('stepped')).toMatchObject({ version: 2, paused: {} });
    expect((await remove('stepped', '2')).status).toBe(200);
    const rule = await ruleOf('stepped');
    expect(rule).toMatchObject({ version: 1, sampleRate: 0.5 });
    expect(rule).not.toHaveProperty('paused');
    expect(await remove('stepped', 2)).toMatchObject({
      status: 404,
      body: { message: "Scorer with name 'stepped' and version 2 not found for experiment 0." },
    });
    // The last one takes the scorer with it.
    expect((await remove('stepped', 1)).status).toBe(200);
    expect(await ruleOf('stepped')).toBeUndefined();
    expect((await remove('stepped')).status).toBe(404);
  });

  it('of an earlier version leaves the latest active', async () => {
    await register('kept');
    await register('kept', safety);
    await sample('kept', { sample_rate: 0.5 });
    expect((await remove('kept', 1)).status).toBe(200);
    expect(await ruleOf('kept')).toMatchObject({ version: 2, sampleRate: 0.5 });
  });

  it('of all takes it out of the rules', async () => {
    await register('all');
    await sample('all', { sample_rate: 0.5 });
    expect((await remove('all')).status).toBe(200);
    expect(await ruleOf('all')).toBeUndefined();
    expect((await api.call('GET', `${base}/get?experiment_id=0&name=all`)).status).toBe(404);
  });
});

describe('a registration that died before the rules followed', () => {
  /** Rules that can be read and not written. */
  const dying = () =>
    callerOf({ ...api.deps, rules: { ...api.deps.rules, replace: () => Promise.reject(new Error()) } });

  it.each([
    ['listed', () => listed('?experiment_id=0')],
    ['read', (name: string) => api.call('GET', `${base}/get?experiment_id=0&name=${name}`)],
  ])('is made good when it is %s', async (how, look) => {
    const name = `died-until-${how}`;
    await register(name);
    await sample(name, { sample_rate: 1 });
    expect((await register(name, safety, dying())).status).toBe(500);
    expect(await ruleOf(name)).toMatchObject({ version: 1 });
    await look(name);
    expect(await ruleOf(name)).toMatchObject({ version: 2 });
  });

  it('is completed by its repetition, as the same version', async () => {
    await register('retried');
    await sample('retried', { sample_rate: 1 });
    expect((await register('retried', safety, dying())).status).toBe(500);
    expect((await register('retried', safety)).body.version).toBe(2);
    expect(await ruleOf('retried')).toMatchObject({ version: 2 });
    // What came to its end is not repeated by doing it again.
    expect((await register('retried', safety)).body.version).toBe(3);
  });
});

describe('a list', () => {
  const as = (version: string, more: object = {}) => ({ 'x-mlflow-client-version': version, ...more });
  const newest = { mlflow_version: '3.18.0', timeout: 0, session_level: null, ensemble_scorer_data: null };
  const decorated = { call_source: 'return 1', call_signature: '(outputs)', original_func_name: 'one' };
  let id: string;

  beforeAll(async () => {
    id = await anExperiment('read by all');
    await registerIn(id, 'safety', { ...safety, ...newest });
    await registerIn(id, 'regex', {
      builtin_scorer_class: 'RegexMatch',
      builtin_scorer_pydantic_data: { pattern: 'x' },
      ...newest,
    });
    await registerIn(id, 'function', { ...decorated, ...newest, timeout: null });
    await registerIn(id, 'ours', heuristic);
  });

  const names = async (headers?: Readonly<Record<string, string>>) =>
    (await listed(`?experiment_id=${id}`, api.call, headers)).map(({ scorer_name: name }) => name);

  it('leaves out what the client that asks can never load', async () => {
    expect(await names()).toEqual(['function', 'ours', 'regex', 'safety']);
    expect(await names(as('3.9.0'))).toEqual(['safety']);
    expect(await names(as('3.14.0'))).toEqual(['regex', 'safety']);
    expect(await names(as('3.18.0'))).toEqual(['function', 'regex', 'safety']);
    expect(await names(as('3.14.0', { 'x-assay-mlflow': '0.1.0' }))).toEqual(['function', 'regex', 'safety']);
  });

  it('leaves out keys that the client does not know, and nothing where there is none', async () => {
    const [forOld] = await listed(`?experiment_id=${id}`, api.call, as('3.9.0'));
    expect(Object.keys(JSON.parse(forOld?.serialized_scorer ?? ''))).toEqual([
      'name',
      'serialization_version',
      'builtin_scorer_class',
      'builtin_scorer_pydantic_data',
      'mlflow_version',
    ]);
    const [verbatim] = (await listed(`?experiment_id=${id}`, api.call, as('3.18.0'))).slice(-1);
    expect(verbatim?.serialized_scorer).toBe(
      JSON.stringify({ name: 'safety', serialization_version: 1, ...safety, ...newest }),
    );
  });

  it('of versions is written for the client too; one that is asked for by name is given anyway', async () => {
    const query = `experiment_id=${id}&name=function`;
    const versions = await api.call('GET', `${base}/versions?${query}`, undefined, as('3.9.0'));
    expect(versions.body).toEqual({ scorers: [] });
    const { body } = await api.call('GET', `${base}/get?${query}`, undefined, as('3.9.0'));
    const { serialized_scorer: serialized } = body.scorer as WireScorer;
    expect(JSON.parse(serialized)).toMatchObject(decorated);
    expect(JSON.parse(serialized)).not.toHaveProperty('session_level');
  });
});
