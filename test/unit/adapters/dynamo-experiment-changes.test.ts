import type { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import { dynamoExperimentStore } from '../../../shared/adapters/dynamo-experiment-store.ts';
import { dynamoOtelTableStore } from '../../../shared/adapters/dynamo-otel-table-store.ts';
import { noon } from '../../support/builders/a-trace-info.ts';
import { dynaliteTables } from '../../support/dynalite-tables.ts';

const tables = dynaliteTables();
let client: DynamoDBClient;
let table: string;
beforeAll(() => {
  ({ client, registry: table } = tables());
});

/** Stores over a process that is killed before its n-th write; never where n is 0. */
function stores(n = 0) {
  let writes = 0;
  const dying = Object.create(client) as DynamoDBClient;
  dying.send = (async (command: PutItemCommand) => {
    if (/^(Put|Update|Delete)Item/.test(command.constructor.name) && ++writes === n) throw new Error('killed');
    return client.send(command);
  }) as typeof client.send;
  const experiments = dynamoExperimentStore(dying, table);
  return { experiments, tables: dynamoOtelTableStore(dying, table, experiments) };
}

async function make(name: string, wantedTable?: string): Promise<string> {
  const experiment = { name, lifecycleStage: 'active' as const, createdAt: noon, updatedAt: noon, tags: {} };
  const { experiments } = stores();
  return String((await experiments.create(experiment, { wantedTable }))?.experimentId);
}

describe('a renamed experiment', () => {
  it('is found by its new name, and its old one is free', async () => {
    const store = stores().experiments;
    const id = await make('old');
    expect(await store.rename(id, { name: 'new', at: noon + 1 })).toBe('renamed');
    expect(await store.getByName('new')).toMatchObject({ experimentId: id, name: 'new', updatedAt: noon + 1 });
    expect(await store.getByName('old')).toBeUndefined();
    const other = await make('old');
    expect(await store.getByName('old')).toMatchObject({ experimentId: other });
    expect(await store.rename(id, { name: 'old', at: noon + 2 })).toBe('taken');
    expect((await store.get(id))?.name).toBe('new');
  });

  it('that is deleted keeps its name', async () => {
    const store = stores().experiments;
    const id = await make('deleted');
    await store.setLifecycle(id, { stage: 'deleted', at: noon });
    expect(await store.rename(id, { name: 'other', at: noon })).toBe('not-active');
    expect(await make('deleted')).toBe('undefined');
  });

  it('can be the default one, whose name another takes then', async () => {
    const store = stores().experiments;
    expect(await store.rename('0', { name: 'was default', at: noon })).toBe('renamed');
    expect(await store.getByName('Default')).toBeUndefined();
    const id = await make('Default');
    expect(await store.getByName('Default')).toMatchObject({ experimentId: id });
    expect(await store.rename('0', { name: 'Default', at: noon })).toBe('taken');
    expect((await store.list()).filter(({ name }) => name === 'Default')).toHaveLength(1);
  });

  it.each([1, 2, 3, 4])('whose process died before write %d is renamed by the next attempt', async (n) => {
    const [from, to] = [`from ${n}`, `to ${n}`];
    const id = await make(from);
    await expect(stores(n).experiments.rename(id, { name: to, at: noon })).rejects.toThrow('killed');
    const store = stores().experiments;
    expect(await store.rename(id, { name: to, at: noon })).toBe('renamed');
    expect(await store.getByName(to)).toMatchObject({ experimentId: id });
    // The old name is free, whether or not the claim on it was given up.
    const other = await make(from);
    expect(await store.getByName(from)).toMatchObject({ experimentId: other });
    expect((await store.list()).filter(({ name }) => name === from || name === to)).toHaveLength(2);
  });

  it.each([1, 2, 3, 4])('whose process died before write %d leaves each name to one experiment', async (n) => {
    const [from, to] = [`kept ${n}`, `wanted ${n}`];
    const id = await make(from);
    await expect(stores(n).experiments.rename(id, { name: to, at: noon })).rejects.toThrow('killed');
    const store = stores().experiments;
    await make(to);
    await make(from);
    const named = async (name: string) => (await store.list()).filter((one) => one.name === name);
    for (const name of [from, to]) expect(await named(name)).toEqual([await store.getByName(name)]);
  });
});

it('lets one of many experiments have a name', async () => {
  const ids = await Promise.all(Array.from({ length: 6 }, (_, i) => make(`rival ${i}`)));
  const results = await Promise.all(ids.map((id) => stores().experiments.rename(id, { name: 'prize', at: noon })));
  expect(results.filter((result) => result === 'renamed')).toHaveLength(1);
  expect((await stores().experiments.list()).filter(({ name }) => name === 'prize')).toHaveLength(1);
});

describe('a table', () => {
  it('belongs to one experiment, until that gives it up', async () => {
    const store = stores().tables;
    const [first, second] = [await make('first'), await make('second')];
    expect(await store.assign(first, 'a.b.c')).toBe('assigned');
    expect(await store.assign(second, 'a.b.c')).toEqual({ table: 'a.b.c', owner: first });
    expect((await stores().experiments.get(second))?.tags).toEqual({});
    expect(await store.find('a.b.c')).toBe(first);
    expect(await store.assign(first, 'a.b.d')).toBe('assigned');
    expect(await store.find('a.b.c')).toBeUndefined();
    expect((await stores().experiments.get(first))?.tags).toEqual({ 'assay.otelTable': 'a.b.d' });
    expect(await store.assign(second, 'a.b.c')).toBe('assigned');
    expect(await store.list()).toEqual([
      { table: 'a.b.c', experimentId: second },
      { table: 'a.b.d', experimentId: first },
    ]);
    expect(await store.assign(first, undefined)).toBe('assigned');
    expect((await stores().experiments.get(first))?.tags).toEqual({});
    expect(await store.list()).toEqual([{ table: 'a.b.c', experimentId: second }]);
  });

  it('of a deleted experiment is not listed and goes to no other', async () => {
    const store = stores().tables;
    const [id, other] = [await make('gone'), await make('comes')];
    await store.assign(id, 'gone.b.c');
    await stores().experiments.setLifecycle(id, { stage: 'deleted', at: noon });
    expect((await store.list()).map((one) => one.table)).not.toContain('gone.b.c');
    expect(await store.assign(other, 'gone.b.c')).toMatchObject({ owner: id });
    expect(await store.assign(id, 'other.b.c')).toBe('not-active');
  });

  it('is assigned to the default experiment, which has no item yet', async () => {
    const store = stores().tables;
    expect(await store.assign('0', 'default.b.c')).toBe('assigned');
    expect(await store.find('default.b.c')).toBe('0');
  });

  it.each([1, 2, 3, 4])('whose change died before write %d is changed by the next attempt', async (n) => {
    const id = await make(`table ${n}`);
    await stores().tables.assign(id, `from${n}.b.c`);
    await expect(stores(n).tables.assign(id, `to${n}.b.c`)).rejects.toThrow('killed');
    const store = stores().tables;
    expect(await store.assign(id, `to${n}.b.c`)).toBe('assigned');
    expect([await store.find(`to${n}.b.c`), await store.find(`from${n}.b.c`)]).toEqual([id, undefined]);
    const other = await make(`other table ${n}`);
    expect(await store.assign(other, `from${n}.b.c`)).toBe('assigned');
    expect(await store.find(`from${n}.b.c`)).toBe(other);
  });

  it('that a created experiment wants is assigned to it by whoever completes that', async () => {
    const id = await make('creates', 'created.b.c');
    expect((await stores().experiments.get(id))?.tags).toEqual({});
    expect(await stores().tables.assignWanted(id)).toBe('assigned');
    expect(await stores().tables.find('created.b.c')).toBe(id);
    expect(await stores().tables.assignWanted(id)).toBe('assigned');
    const late = await make('late', 'created.b.c');
    expect(await stores().tables.assignWanted(late)).toEqual({ table: 'created.b.c', owner: id });
    expect(await stores().tables.assignWanted(late)).toBe('assigned');
    expect((await stores().experiments.get(late))?.tags).toEqual({});
  });
});

it('says that tags are too large for an item', async () => {
  const id = await make('large');
  const store = stores().experiments;
  const set = async () => {
    for (let i = 0; i < 25; i++) await store.setTag(id, `key ${i}`, 'x'.repeat(20_000));
  };
  await expect(set()).rejects.toThrow(/more than 400 KB/);
});
