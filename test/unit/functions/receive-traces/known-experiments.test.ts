import { expect, test } from 'vitest';
import { knownExperiments } from '../../../../shared/contracts/otlp-request/known-experiments.ts';
import type { Experiment } from '../../../../shared/domain/experiment.ts';

function aStore() {
  const clock = { now: 0 };
  const lookUps: string[] = [];
  const states = new Map<string, Experiment['lifecycleStage']>();
  const store = {
    async get(experimentId: string): Promise<Experiment | undefined> {
      lookUps.push(experimentId);
      const lifecycleStage = states.get(experimentId);
      return lifecycleStage && { experimentId, name: 'x', lifecycleStage, createdAt: 0, updatedAt: 0, tags: {} };
    },
  };
  return { clock, lookUps, states, isKnown: knownExperiments(store, () => clock.now) };
}

test('the default experiment is known without a look-up', async () => {
  const { isKnown, lookUps } = aStore();
  expect(await isKnown('0')).toBe(true);
  expect(lookUps).toEqual([]);
});

test('an experiment that exists is looked up once a minute', async () => {
  const { isKnown, lookUps, states, clock } = aStore();
  states.set('7', 'active');
  for (clock.now of [0, 59_999]) expect(await isKnown('7')).toBe(true);
  expect(lookUps).toHaveLength(1);
  states.delete('7');
  clock.now = 60_000;
  expect(await isKnown('7')).toBe(false);
});

test('an experiment that has just been made is known after five seconds', async () => {
  const { isKnown, lookUps, states, clock } = aStore();
  expect(await isKnown('7')).toBe(false);
  states.set('7', 'active');
  clock.now = 4_999;
  expect(await isKnown('7')).toBe(false);
  expect(lookUps).toHaveLength(1);
  clock.now = 5_000;
  expect(await isKnown('7')).toBe(true);
});

test('a deleted experiment is not known', async () => {
  const { isKnown, states } = aStore();
  states.set('7', 'deleted');
  expect(await isKnown('7')).toBe(false);
});
