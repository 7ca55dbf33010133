import { describe, expect, test } from 'vitest';
import { dynamoExperimentStore } from '../../../shared/adapters/dynamo-experiment-store.ts';
import { dynamoOtelTableStore } from '../../../shared/adapters/dynamo-otel-table-store.ts';
import { dynamoRunStore } from '../../../shared/adapters/dynamo-run-store.ts';
import { makeRunId, type RunInfo } from '../../../shared/domain/run.ts';
import { noon } from '../builders/a-trace-info.ts';
import type { Tables } from '../dynamo-tables.ts';

/** Changes of experiments, and runs: the registry table, too. */
export function describeRuns(engine: string, tables: () => Tables): void {
  describeChanges(engine, tables);
  describeRunStore(engine, tables);
}

function describeChanges(engine: string, tables: () => Tables): void {
  describe(`changes of experiments on ${engine}`, () => {
    const stores = () => {
      const { client, registry } = tables();
      const experiments = dynamoExperimentStore(client, registry);
      return { experiments, otelTables: dynamoOtelTableStore(client, registry, experiments) };
    };
    const make = async (name: string) => {
      const experiment = { name, lifecycleStage: 'active' as const, createdAt: noon, updatedAt: noon, tags: {} };
      return String((await stores().experiments.create(experiment))?.experimentId);
    };

    test('rename it, tag it, delete it and restore it', async () => {
      const { experiments } = stores();
      const id = await make('before');
      expect(await experiments.rename(id, { name: 'after', at: noon + 1 })).toBe('renamed');
      expect(await experiments.setTag(id, 'a.b', 'c')).toBe(true);
      await experiments.setLifecycle(id, { stage: 'deleted', at: noon + 2 });
      expect(await experiments.setTag(id, 'a.b', undefined)).toBe(false);
      const changed = { name: 'after', lifecycleStage: 'deleted', updatedAt: noon + 2, tags: { 'a.b': 'c' } };
      expect(await experiments.getByName('after')).toEqual({ experimentId: id, createdAt: noon, ...changed });
      expect(await experiments.getByName('before')).toBeUndefined();
      await experiments.setLifecycle(id, { stage: 'active', at: noon + 3 });
      expect(await experiments.setTag(id, 'a.b', undefined)).toBe(true);
      expect(await experiments.getMany([id, id, '999999', '0'])).toMatchObject([
        { experimentId: '0', name: 'Default' },
        { experimentId: id, tags: {} },
      ]);
    });

    test('give a table to one experiment', async () => {
      const { experiments, otelTables } = stores();
      const [first, second] = [await make('first'), await make('second')];
      const assigned = await Promise.all([first, second].map((id) => otelTables.assign(id, 'a.b.c')));
      expect(assigned.filter((result) => result === 'assigned')).toHaveLength(1);
      const owner = String(await otelTables.find('a.b.c'));
      expect(await otelTables.list()).toEqual([{ table: 'a.b.c', experimentId: owner }]);
      expect(await otelTables.assign(owner, undefined)).toBe('assigned');
      expect([await otelTables.find('a.b.c'), (await experiments.get(owner))?.tags]).toEqual([undefined, {}]);
    });
  });
}

function describeRunStore(engine: string, tables: () => Tables): void {
  describe(`the run store on ${engine}`, () => {
    const aStore = () => dynamoRunStore(tables().client, tables().registry);
    let made = 0;
    const aRun = (experimentId: string, startTime = noon): RunInfo => ({
      runId: makeRunId({ experimentId, startTime }, String(++made).padStart(13, '0')),
      experimentId,
      name: `run ${made}`,
      userId: 'ann',
      status: 'RUNNING',
      startTime,
      artifactUri: 'mlflow-artifacts:/1/x/artifacts',
      lifecycleStage: 'active',
    });

    test('gives back what was put, and changes what is active', async () => {
      const [store, run] = [aStore(), aRun('71')];
      expect(await store.create(run, { team: 'a' })).toBe(true);
      expect(await store.create(run, { team: 'a' })).toBe(false);
      expect(await store.getInfo(run.runId)).toEqual(run);
      const ended = { status: 'FINISHED' as const, endTime: noon + 5 };
      expect(await store.update(run.runId, ended)).toEqual({ ...run, ...ended });
      await store.setLifecycle(run.runId, 'deleted');
      expect(await store.update(run.runId, { name: 'other' })).toBeUndefined();
      const info = { ...run, ...ended, lifecycleStage: 'deleted' };
      expect(await store.get(run.runId)).toEqual({ info, metrics: [], params: {}, tags: { team: 'a' }, inputs: [] });
      expect([await store.get('nope'), await store.getInfo(aRun('71').runId)]).toEqual([undefined, undefined]);
    });

    test('keeps what is logged, each thing once', async () => {
      const [store, run] = [aStore(), aRun('72')];
      await store.create(run, {});
      const points = [3, -1, 0, 2].map((step) => ({ key: 'm', value: step / 8, timestamp: noon, step }));
      const input = { name: 'd', digest: '1', sourceType: 'code', source: '{}', tags: { context: 'eval' } };
      for (const _ of [1, 2]) {
        await store.addMetrics(run.runId, points);
        expect(await store.putParams(run.runId, { depth: '3' })).toEqual([]);
        await store.addInputs(run.runId, [input]);
      }
      expect(await store.putParams(run.runId, { depth: '4', fresh: '1' })).toEqual([{ key: 'depth', value: '3' }]);
      const latest = points[0];
      expect(await store.get(run.runId)).toEqual({
        info: run,
        metrics: [latest],
        params: { depth: '3' },
        tags: {},
        inputs: [input],
      });
      const first = await store.history(run.runId, { key: 'm', limit: 3 });
      const rest = await store.history(run.runId, { key: 'm', limit: 3, after: first.next });
      expect([...first.metrics, ...rest.metrics].map(({ step }) => step)).toEqual([-1, 0, 2, 3]);
      expect(rest.next).toBeUndefined();
    });

    test('lists runs newest first with all that they have, over several pages', async () => {
      const store = aStore();
      const runs = [5, 1, 3].map((time) => aRun('73', noon + time));
      const tags = Object.fromEntries(Array.from({ length: 80 }, (_, i) => [`t${i}`, 'x'.repeat(8_000)]));
      for (const run of runs) await store.create(run, tags);
      await store.create(aRun('74'), {});
      const listed: string[] = [];
      for await (const { info, tags: found } of store.newest('73')) {
        expect(found).toEqual(tags);
        listed.push(info.runId);
      }
      expect(listed).toEqual([0, 2, 1].map((i) => runs[i]?.runId));
      const below: string[] = [];
      for await (const { info } of store.newest('73', listed[0])) below.push(info.runId);
      expect(below).toEqual(listed.slice(1));
    });
  });
}
