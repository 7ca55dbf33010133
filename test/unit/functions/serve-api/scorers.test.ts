import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RuleStore } from '../../../../shared/domain/ports.ts';
import { type Api, callerOf, startApi } from './an-api.ts';

let api: Api;
beforeAll(async () => {
  api = await startApi();
}, 60_000);
afterAll(() => api.stop());

const base = '/api/3.0/mlflow/scorers';
const heuristic = { assay_heuristic: { type: 'error_free' } };
const judge = { builtin_scorer_class: 'Safety', builtin_scorer_pydantic_data: {} };

function registration(name: string, kind: object = heuristic) {
  return { experiment_id: '0', name, serialized_scorer: JSON.stringify({ name, serialization_version: 1, ...kind }) };
}

async function register(name: string, kind?: object, call = api.call) {
  return call('POST', `${base}/register`, registration(name, kind));
}

async function sample(name: string, rest: object) {
  return api.call('PUT', `${base}/online-config`, { experiment_id: '0', name, ...rest });
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
  const rules = changedMeanwhile(() => register('raced'));
  await register('raced', heuristic, callerOf({ ...api.deps, rules }));
  expect(await ruleOf('raced')).toMatchObject({ version: 3 });
});

it('pauses an active scorer whose new version cannot run yet, and resumes with one that can', async () => {
  await register('swapped');
  await sample('swapped', { sample_rate: 0.5, filter_string: "status = 'OK'" });
  await register('swapped', judge);
  const paused = { reason: expect.stringMatching(/cannot be run yet/), since: api.deps.now() };
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
