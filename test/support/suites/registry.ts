import { randomUUID } from 'node:crypto';
import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, test } from 'vitest';
import { dynamoExperimentStore } from '../../../shared/adapters/dynamo-experiment-store.ts';
import { dynamoKeyStore } from '../../../shared/adapters/dynamo-key-store.ts';
import { dynamoRuleStore } from '../../../shared/adapters/dynamo-rule-store.ts';
import { dynamoScorerStore } from '../../../shared/adapters/dynamo-scorer-store.ts';
import type { ApiKey } from '../../../shared/domain/api-key.ts';
import { defaultSettings } from '../../../shared/domain/experiment.ts';
import type { ExperimentStore, KeyStore, ScorerStore } from '../../../shared/domain/ports.ts';
import type { Rules } from '../../../shared/domain/rules.ts';
import { noon } from '../builders/a-trace-info.ts';
import type { Tables } from '../dynamo-tables.ts';

const times = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));

/** Rules, scorers, experiments and keys: the registry table. */
export function describeRegistry(engine: string, tables: () => Tables): void {
  describeRules(engine, tables);
  describeScorers(engine, tables);
  describeExperiments(engine, tables);
  describeKeys(engine, tables);
}

function describeRules(engine: string, tables: () => Tables): void {
  describe(`the rule store on ${engine}`, () => {
    let clock = noon;
    const aStore = (cacheSeconds = 0) =>
      dynamoRuleStore(tables().client, tables().registry, { cacheSeconds, now: () => clock });

    function someRules(experimentId: string, version: number, sampleRate = 0.5): Rules {
      const rule = { name: 'safety', version: 1, level: 'trace' as const, sampleRate, filter: '' };
      return { experimentId, version, scorers: [rule], settings: { ...defaultSettings, settleDelaySeconds: 9 } };
    }

    test('answers version 0 without scorers where none were set', async () => {
      expect(await aStore().current('none')).toEqual({
        experimentId: 'none',
        version: 0,
        scorers: [],
        settings: defaultSettings,
      });
      expect(await aStore().version('none', 1)).toBeUndefined();
    });

    test('gives back the current version and each that was', async () => {
      const versions = times(3, (i) => someRules('51', i + 1, i / 10));
      for (const rules of versions) expect(await aStore().replace(rules)).toBe(true);
      expect(await aStore().current('51')).toEqual(versions[2]);
      const read = await Promise.all([1, 2, 3].map((version) => aStore().version('51', version)));
      expect(read).toEqual(versions);
      expect(await aStore().version('51', 4)).toBeUndefined();
    });

    test('takes the next version only', async () => {
      expect(await aStore().replace(someRules('52', 2))).toBe(false);
      expect(await aStore().replace(someRules('52', 1))).toBe(true);
      expect(await aStore().replace(someRules('52', 1, 0.9))).toBe(false);
      expect(await aStore().replace(someRules('52', 3))).toBe(false);
      expect(await aStore().current('52')).toEqual(someRules('52', 1));
    });

    test('lets one of many writers of a version win, and all its readers read the same', async () => {
      const winners: Rules[] = [];
      for (const version of [1, 2, 3]) {
        const won = await Promise.all(times(12, (i) => aStore().replace(someRules('53', version, i / 12))));
        expect(won.filter(Boolean)).toHaveLength(1);
        winners.push(someRules('53', version, won.indexOf(true) / 12));
        expect(await aStore().current('53')).toEqual(winners.at(-1));
      }
      expect(await Promise.all([1, 2, 3].map((version) => aStore().version('53', version)))).toEqual(winners);
    });

    test('answers from its cache as long as it was told', async () => {
      const [reader, writer] = [aStore(10), aStore()];
      expect((await reader.current('54')).version).toBe(0);
      await writer.replace(someRules('54', 1));
      clock += 9_999;
      expect((await reader.current('54')).version).toBe(0);
      clock += 1;
      expect((await reader.current('54')).version).toBe(1);
    });
  });
}

function describeScorers(engine: string, tables: () => Tables): void {
  describe(`the scorer store on ${engine}`, () => {
    let store: ScorerStore;

    beforeAll(() => {
      store = dynamoScorerStore(tables().client, tables().registry);
    });

    const aScorer = (name: string, serialized = '{}', experimentId = '61') => ({
      experimentId,
      name,
      serialized,
      createdAt: noon,
    });

    test('numbers the versions of a name and keeps its id', async () => {
      const first = await store.register(aScorer('polite', '{"a":1}'));
      const second = await store.register(aScorer('polite', '{"a":2}'));
      expect([first.version, second.version]).toEqual([1, 2]);
      expect(second.scorerId).toBe(first.scorerId);
      expect(await store.get('61', 'polite')).toEqual(second);
      expect(await store.get('61', 'polite', 1)).toEqual(first);
      expect(await store.get('61', 'polite', 3)).toBeUndefined();
      expect(await store.versions('61', 'polite')).toEqual([first, second]);
    });

    test('gives registrations at the same time different versions, without a gap', async () => {
      const registered = await Promise.all(times(4, (i) => store.register(aScorer('raced', `{"i":${i}}`))));
      expect(registered.map(({ version }) => version).toSorted()).toEqual([1, 2, 3, 4]);
      const versions = await store.versions('61', 'raced');
      expect(versions.map(({ version }) => version)).toEqual([1, 2, 3, 4]);
      for (const scorer of registered) expect(versions[scorer.version - 1]?.serialized).toBe(scorer.serialized);
      expect(await store.get('61', 'raced')).toEqual(versions[3]);
    });

    test('keeps the latest version where an earlier registration was slow to finish', async () => {
      const { client, registry } = tables();
      const held = Promise.withResolvers<void>();
      const claimed = Promise.withResolvers<void>();
      let puts = 0;
      // The second put moves the pointer to what the first one claimed.
      const slow = Object.create(client) as typeof client;
      slow.send = (async (command: PutItemCommand) => {
        if (command instanceof PutItemCommand && ++puts === 2) {
          claimed.resolve();
          await held.promise;
        }
        return client.send(command);
      }) as typeof client.send;
      const first = dynamoScorerStore(slow, registry).register(aScorer('slow', '{"i":1}'));
      await claimed.promise;
      const second = await store.register(aScorer('slow', '{"i":2}'));
      held.resolve();
      expect((await first).version).toBe(1);
      expect(await store.get('61', 'slow')).toEqual(second);
    });

    test('keeps names apart that begin alike or look like keys', async () => {
      const names = ['tone', 'tone#1', 'tone#', 'Tone', 'tone of voice', 'töne'];
      for (const name of names) await store.register(aScorer(name, JSON.stringify({ name }), '62'));
      expect((await store.list('62')).map(({ name }) => name).toSorted()).toEqual(names.toSorted());
      for (const name of names) expect(await store.versions('62', name)).toHaveLength(1);
    });

    test('lists the latest version of every name of an experiment, and not of another', async () => {
      await store.register(aScorer('a', '{}', '63'));
      await store.register(aScorer('b', '{}', '63'));
      const latest = await store.register(aScorer('a', '{"new":true}', '63'));
      await store.register(aScorer('c', '{}', '64'));
      expect((await store.list('63')).map(({ name, version }) => [name, version])).toEqual([
        ['a', 2],
        ['b', 1],
      ]);
      expect((await store.list('63'))[0]).toEqual(latest);
    });

    test('takes a name off the list and leaves its versions', async () => {
      const scorer = await store.register(aScorer('gone', '{}', '65'));
      await store.remove('65', 'gone');
      expect(await store.list('65')).toEqual([]);
      expect(await store.get('65', 'gone')).toBeUndefined();
      expect(await store.get('65', 'gone', 1)).toEqual(scorer);
    });

    test('lists scorers that fill several pages', async () => {
      const serialized = JSON.stringify({ text: 'x'.repeat(300_000) });
      await Promise.all(times(5, (i) => store.register(aScorer(`large ${i}`, serialized, '66'))));
      expect((await store.list('66')).map(({ name }) => name)).toEqual(times(5, (i) => `large ${i}`));
    });
  });
}

function describeExperiments(engine: string, tables: () => Tables): void {
  describe(`the experiment store on ${engine}`, () => {
    let store: ExperimentStore;

    beforeAll(() => {
      store = dynamoExperimentStore(tables().client, tables().registry);
    });

    const anExperiment = (name = `experiment ${randomUUID()}`) => ({
      name,
      lifecycleStage: 'active' as const,
      createdAt: noon,
      updatedAt: noon,
      tags: { team: 'support', empty: '' },
    });

    test('has Default with id 0 from the beginning, and no second one', async () => {
      expect((await store.get('0'))?.name).toBe('Default');
      expect((await store.getByName('Default'))?.experimentId).toBe('0');
      expect(await store.create(anExperiment('Default'))).toBeUndefined();
      expect((await store.list())[0]?.experimentId).toBe('0');
    });

    test('finds what it created by id and by name', async () => {
      const created = await store.create(anExperiment());
      if (created === undefined) throw new Error('expected an experiment');
      expect(Number(created.experimentId)).toBeGreaterThan(0);
      expect(await store.get(created.experimentId)).toEqual(created);
      expect(await store.getByName(created.name)).toEqual(created);
      expect(await store.list()).toContainEqual(created);
      expect(await store.get('999999')).toBeUndefined();
      expect(await store.getByName('never made')).toBeUndefined();
    });

    test('gives experiments made at the same time different ids', async () => {
      const created = await Promise.all(times(15, () => store.create(anExperiment())));
      expect(new Set(created.map((experiment) => experiment?.experimentId)).size).toBe(15);
      const ids = (await store.list()).map(({ experimentId }) => Number(experimentId));
      expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    });

    test('lets one of many takers have a name', async () => {
      const wanted = anExperiment();
      const created = (await Promise.all(times(10, () => store.create(wanted)))).filter((made) => made !== undefined);
      expect(created).toHaveLength(1);
      expect(await store.getByName(wanted.name)).toEqual(created[0]);
      expect(await store.create(wanted)).toBeUndefined();
      const active = (await store.list()).filter(({ name }) => name === wanted.name);
      expect(active).toEqual(created);
    });
  });
}

function describeKeys(engine: string, tables: () => Tables): void {
  describe(`the key store on ${engine}`, () => {
    let store: KeyStore;

    beforeAll(() => {
      store = dynamoKeyStore(tables().client, tables().registry);
    });

    test('gives back a key by its hash, as it was last put', async () => {
      const key: ApiKey = { role: 'ingest', experimentIds: ['7', '12'], name: 'ci', createdAt: noon };
      await store.put('ab'.repeat(32), key);
      expect(await store.get('ab'.repeat(32))).toEqual(key);
      await store.put('ab'.repeat(32), { ...key, role: 'admin', experimentIds: [], name: '' });
      expect(await store.get('ab'.repeat(32))).toEqual({ ...key, role: 'admin', experimentIds: [], name: '' });
      expect(await store.get('cd'.repeat(32))).toBeUndefined();
    });

    test('lists every key that works, oldest first, and none that was removed', async () => {
      const key = (name: string, createdAt: number): ApiKey => ({ role: 'write', experimentIds: [], name, createdAt });
      const limited = { ...key('limited', noon + 2), rateLimit: 100 };
      await store.put('3'.repeat(64), limited);
      await store.put('2'.repeat(64), key('second', noon + 1));
      await store.put('4'.repeat(64), key('gone', noon + 3));
      await store.remove('4'.repeat(64));
      await store.remove('4'.repeat(64));
      expect((await store.list()).filter(({ createdAt }) => createdAt > noon)).toEqual([
        { ...key('second', noon + 1), hash: '2'.repeat(64) },
        { ...limited, hash: '3'.repeat(64) },
      ]);
      expect(await store.get('4'.repeat(64))).toBeUndefined();
    });

    test.each([
      [
        'made',
        (dying: KeyStore) => dying.put('5'.repeat(64), { role: 'read', experimentIds: [], name: '', createdAt: 0 }),
      ],
      ['removed', (dying: KeyStore) => dying.remove('6'.repeat(64))],
    ])('lists a key that works wherever the writer died while it was %s', async (_, write) => {
      await store.put('6'.repeat(64), { role: 'read', experimentIds: [], name: '', createdAt: 0 });
      const { client, registry } = tables();
      const [steps, dying] = [{ left: 1 }, Object.create(client) as typeof client];
      dying.send = ((command: never) =>
        steps.left-- > 0 ? client.send(command) : Promise.reject(new Error('died'))) as typeof client.send;
      await expect(write(dynamoKeyStore(dying, registry))).rejects.toThrow('died');
      const listed = (await store.list()).map(({ hash }) => hash);
      for (const hash of ['5'.repeat(64), '6'.repeat(64)])
        expect(listed.includes(hash)).toBe((await store.get(hash)) !== undefined);
    });
  });
}
