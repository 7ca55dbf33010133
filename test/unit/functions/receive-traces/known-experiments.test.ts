import { expect, test } from 'vitest';
import { knownExperiments } from '../../../../shared/contracts/otlp-request/known-experiments.ts';
import { knownTables } from '../../../../shared/contracts/otlp-request/known-tables.ts';
import type { Experiment } from '../../../../shared/domain/experiment.ts';

function aStore() {
  const clock = { now: 0 };
  const lookUps: string[] = [];
  const states = new Map<string, Experiment['lifecycleStage']>([['0', 'active']]);
  const store = {
    async get(experimentId: string): Promise<Experiment | undefined> {
      lookUps.push(experimentId);
      const lifecycleStage = states.get(experimentId);
      return lifecycleStage && { experimentId, name: 'x', lifecycleStage, createdAt: 0, updatedAt: 0, tags: {} };
    },
  };
  return { clock, lookUps, states, stageOf: knownExperiments(store, () => clock.now) };
}

test.each(['0', '7'])('experiment %s is looked up once a minute', async (id) => {
  const { stageOf, lookUps, states, clock } = aStore();
  states.set(id, 'active');
  for (clock.now of [0, 59_999]) expect(await stageOf(id)).toBe('active');
  expect(lookUps).toHaveLength(1);
  states.delete(id);
  clock.now = 60_000;
  expect(await stageOf(id)).toBeUndefined();
});

test.each([undefined, 'deleted'] as const)(
  'an experiment that is %s is known five seconds after it is active',
  async (before) => {
    const { stageOf, lookUps, states, clock } = aStore();
    if (before) states.set('7', before);
    expect(await stageOf('7')).toBe(before);
    states.set('7', 'active');
    clock.now = 4_999;
    expect(await stageOf('7')).toBe(before);
    expect(lookUps).toHaveLength(1);
    clock.now = 5_000;
    expect(await stageOf('7')).toBe('active');
  },
);

test('a look-up that fails is not remembered', async () => {
  let calls = 0;
  const get = async () => {
    if (++calls === 1) throw new Error('throttled');
    return undefined;
  };
  const stageOf = knownExperiments({ get }, () => 0);
  await expect(stageOf('7')).rejects.toThrow('throttled');
  expect(await stageOf('7')).toBeUndefined();
});

test('a table is looked up once a minute, one that is not known every five seconds', async () => {
  const clock = { now: 0 };
  const lookUps: string[] = [];
  const find = async (table: string) => {
    lookUps.push(table);
    return table === 'a.b.c' ? '7' : undefined;
  };
  const { experimentOf } = knownTables({ find, list: async () => [] }, () => clock.now);
  for (clock.now of [0, 4_999, 5_000, 59_999, 60_000]) {
    expect([await experimentOf('a.b.c'), await experimentOf('x.y.z')]).toEqual(['7', undefined]);
  }
  expect(lookUps.filter((table) => table === 'a.b.c')).toHaveLength(2);
  expect(lookUps.filter((table) => table === 'x.y.z')).toHaveLength(3);
});
