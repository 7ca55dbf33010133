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

    test('that was overtaken sees by whom, whatever it remembers', async () => {
      const slow = aStore(30);
      await slow.current('56');
      await aStore().replace(someRules('56', 1));
      expect(await slow.replace(someRules('56', 1, 0.9))).toBe(false);
      expect(await slow.current('56')).toEqual(someRules('56', 1));
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

    const latest = async (name: string) => (await store.get('61', name))?.version;
    const numbers = async (name: string) => (await store.versions('61', name)).map(({ version }) => version);

    test('numbers the versions of a name and keeps its id', async () => {
      const first = await store.register(aScorer('polite', '{"a":1}'));
      const second = await store.register(aScorer('polite', '{"a":2}'));
      expect([first.version, second.version]).toEqual([1, 2]);
      expect(second.scorerId).toBe(first.scorerId);
      expect(first.scorerId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(await store.get('61', 'polite')).toEqual(second);
      const { unfollowed: _, ...definition } = first;
      expect(await store.get('61', 'polite', 1)).toEqual(definition);
      expect(await store.get('61', 'polite', 3)).toBeUndefined();
      expect(await store.versions('61', 'polite')).toEqual([definition, second]);
    });

    test('gives registrations at the same time different versions, without a gap', async () => {
      const registered = await Promise.all(times(4, (i) => store.register(aScorer('raced', `{"i":${i}}`))));
      expect(registered.map(({ version }) => version).toSorted()).toEqual([1, 2, 3, 4]);
      const versions = await store.versions('61', 'raced');
      expect(versions.map(({ version }) => version)).toEqual([1, 2, 3, 4]);
      for (const scorer of registered) expect(versions[scorer.version - 1]?.serialized).toBe(scorer.serialized);
      expect(await store.get('61', 'raced')).toEqual(versions[3]);
    });

    test('gives a registration that is repeated before the rules followed the version that it made', async () => {
      const first = await store.register(aScorer('repeated', '{"a":1}'));
      expect(first.unfollowed).toBe(true);
      expect(await store.register({ ...aScorer('repeated', '{"a":1}'), createdAt: noon + 5 })).toEqual(first);
      await store.markFollowed(first);
      expect(await store.get('61', 'repeated')).not.toHaveProperty('unfollowed');
      expect((await store.register(aScorer('repeated', '{"a":1}'))).version).toBe(2);
      expect((await store.register(aScorer('repeated', '{"a":3}'))).version).toBe(3);
      await store.markFollowed(first);
      expect((await store.get('61', 'repeated'))?.unfollowed).toBe(true);
    });

    test('has each version there and listed, or not at all, wherever a registration dies', async () => {
      const { client, registry } = tables();
      for (let writes = 0; writes < 4; writes++) {
        const name = `dying ${writes}`;
        for (const serialized of ['{"i":1}', '{"i":2}']) {
          let left = writes;
          const dying = Object.create(client) as typeof client;
          dying.send = (async (command: PutItemCommand) => {
            if (command instanceof PutItemCommand && left-- <= 0) throw new Error('died');
            return client.send(command);
          }) as typeof client.send;
          const made = await dynamoScorerStore(dying, registry)
            .register(aScorer(name, serialized))
            .then(({ version }) => version)
            .catch(() => undefined);
          const [listed] = (await store.list('61')).filter((scorer) => scorer.name === name);
          expect(listed?.version).toBe(await latest(name));
          expect((await numbers(name)).at(-1)).toBe(await latest(name));
          if (made !== undefined) expect(await latest(name)).toBe(made);
        }
        const last = await store.register(aScorer(name, '{"i":3}'));
        expect(await numbers(name)).toEqual(times(last.version, (i) => i + 1));
      }
    });

    test('makes the version before current where the latest is deleted, and gives no number twice', async () => {
      for (const i of [1, 2, 3]) await store.register(aScorer('shrinking', `{"i":${i}}`));
      expect(await store.remove('61', 'shrinking', 4)).toBe(false);
      expect(await store.remove('61', 'shrinking', 2)).toBe(true);
      expect(await store.remove('61', 'shrinking', 2)).toBe(false);
      expect([await numbers('shrinking'), await latest('shrinking')]).toEqual([[1, 3], 3]);
      expect(await store.remove('61', 'shrinking', 3)).toBe(true);
      expect(await store.get('61', 'shrinking')).toMatchObject({ version: 1, serialized: '{"i":1}', unfollowed: true });
      expect(await store.get('61', 'shrinking', 3)).toBeUndefined();
      expect(await store.definition('61', 'shrinking', 3)).toMatchObject({ serialized: '{"i":3}' });
      expect((await store.register(aScorer('shrinking', '{"i":4}'))).version).toBe(4);
      expect(await numbers('shrinking')).toEqual([1, 4]);
    });

    test('deletes a scorer with its last version, and knows it by the same id when it comes back', async () => {
      const { scorerId } = await store.register(aScorer('returning', '{"i":1}'));
      expect(await store.remove('61', 'returning', 1)).toBe(true);
      expect(await store.get('61', 'returning')).toBeUndefined();
      expect(await store.remove('61', 'returning')).toBe(false);
      expect(await store.register(aScorer('returning', '{"i":1}'))).toMatchObject({ version: 2, scorerId });
      expect(await numbers('returning')).toEqual([2]);
    });

    test('finds scorers by their ids', async () => {
      const made = await Promise.all(['x', 'y'].map((name) => store.register(aScorer(`found ${name}`, '{}', '67'))));
      const ids = made.map(({ scorerId }) => scorerId);
      const found = await store.find([...ids, ...ids, randomUUID()]);
      expect(found.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual(
        made.map(({ scorerId, name }) => ({ scorerId, name, experimentId: '67' })),
      );
      expect(await store.find([])).toEqual([]);
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
      expect(await store.remove('65', 'gone')).toBe(true);
      expect(await store.list('65')).toEqual([]);
      expect(await store.get('65', 'gone')).toBeUndefined();
      expect(await store.get('65', 'gone', 1)).toBeUndefined();
      const { unfollowed: _, ...definition } = scorer;
      expect(await store.definition('65', 'gone', 1)).toEqual(definition);
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
