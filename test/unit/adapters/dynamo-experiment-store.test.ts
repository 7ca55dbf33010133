import { type DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import { dynamoExperimentStore } from '../../../shared/adapters/dynamo-experiment-store.ts';
import { noon } from '../../support/builders/a-trace-info.ts';
import { dynaliteTables } from '../../support/dynalite-tables.ts';

const tables = dynaliteTables();
let client: DynamoDBClient;
let table: string;
beforeAll(() => {
  ({ client, registry: table } = tables());
});

const anExperiment = (name: string) => ({
  name,
  lifecycleStage: 'active' as const,
  createdAt: noon,
  updatedAt: noon,
  tags: {},
});

/** A client whose process is killed before the n-th put. */
function dyingAtPut(n: number): DynamoDBClient {
  let puts = 0;
  const dying = Object.create(client) as DynamoDBClient;
  dying.send = (async (command: PutItemCommand) => {
    if (command instanceof PutItemCommand && ++puts === n) throw new Error('killed');
    return client.send(command);
  }) as typeof client.send;
  return dying;
}

describe('an experiment whose writer died', () => {
  it.each([1, 2])('before put %d is made by the next who asks, once', async (put) => {
    const wanted = anExperiment(`killed at ${put}`);
    await expect(dynamoExperimentStore(dyingAtPut(put), table).create(wanted)).rejects.toThrow('killed');
    const store = dynamoExperimentStore(client, table);
    const created = await store.create(wanted);
    expect(created).toMatchObject(wanted);
    expect(await store.getByName(wanted.name)).toEqual(created);
    expect(await store.create(wanted)).toBeUndefined();
    expect((await store.list()).filter(({ name }) => name.includes(wanted.name))).toEqual([created]);
  });
});

it('lists nothing of the takers of a name that lost', async () => {
  const store = dynamoExperimentStore(client, table);
  await Promise.all(Array.from({ length: 6 }, () => store.create(anExperiment('wanted by many'))));
  expect((await store.list()).filter(({ name }) => name.includes('wanted by many'))).toHaveLength(1);
});
