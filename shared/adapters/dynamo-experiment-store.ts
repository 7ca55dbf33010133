import { type DynamoDBClient, GetItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import {
  experimentCounterKey,
  experimentKey,
  experimentNameKey,
  fromExperimentItem,
  toExperimentItem,
} from '../contracts/registry-items.ts';
import { defaultExperimentId, type Experiment } from '../domain/experiment.ts';
import type { ExperimentStore } from '../domain/ports.ts';
import { batchGet } from './dynamo-batch.ts';
import { isApplied } from './dynamo-conditional.ts';

/** Always there, whether an item says so or not. */
const defaultExperiment: Experiment = {
  experimentId: defaultExperimentId,
  name: 'Default',
  lifecycleStage: 'active',
  createdAt: 0,
  updatedAt: 0,
  tags: {},
};

/** Experiments by id and by name. */
export function dynamoExperimentStore(client: DynamoDBClient, table: string): ExperimentStore {
  async function read(key: { pk: string; sk: string }): Promise<Record<string, unknown> | undefined> {
    const { Item } = await client.send(
      new GetItemCommand({ TableName: table, Key: marshall(key), ConsistentRead: true }),
    );
    return Item && unmarshall(Item);
  }

  async function get(experimentId: string): Promise<Experiment | undefined> {
    const item = await read({ pk: experimentKey(experimentId), sk: 'meta' });
    if (item) return fromExperimentItem(item);
    return experimentId === defaultExperimentId ? defaultExperiment : undefined;
  }

  async function nextId(): Promise<number> {
    const { Attributes } = await client.send(
      new UpdateItemCommand({
        TableName: table,
        Key: marshall(experimentCounterKey),
        UpdateExpression: 'ADD lastId :one',
        ExpressionAttributeValues: marshall({ ':one': 1 }),
        ReturnValues: 'UPDATED_NEW',
      }),
    );
    return Number(Attributes?.lastId?.N);
  }

  return {
    get,

    async getByName(name) {
      const item = await read(experimentNameKey(name));
      if (item) return get(String(item.experimentId));
      return name === defaultExperiment.name ? get(defaultExperimentId) : undefined;
    },

    async list() {
      const ids = Array.from({ length: Number((await read(experimentCounterKey))?.lastId ?? 0) + 1 }, (_, id) =>
        String(id),
      );
      const keys = ids.map((id) => marshall({ pk: experimentKey(id), sk: 'meta' }));
      const found = (await batchGet(client, { table, keys, consistent: true })).map((item) =>
        fromExperimentItem(unmarshall(item)),
      );
      const all = found.some(({ experimentId }) => experimentId === defaultExperimentId)
        ? found
        : [defaultExperiment, ...found];
      return all.toSorted((a, b) => Number(a.experimentId) - Number(b.experimentId));
    },

    /**
     * Meta first, then the name: a writer that died between leaves an experiment that nobody can find by name, which the loser of a
     * race for the name leaves too, marked as deleted.
     */
    async create(experiment) {
      if (experiment.name === defaultExperiment.name || (await read(experimentNameKey(experiment.name))))
        return undefined;
      const created: Experiment = { experimentId: String(await nextId()), ...experiment };
      const put = (item: Experiment) =>
        client.send(new PutItemCommand({ TableName: table, Item: marshall(toExperimentItem(item)) }));
      await put(created);
      const named = await isApplied(
        client.send(
          new PutItemCommand({
            TableName: table,
            Item: marshall({ ...experimentNameKey(experiment.name), v: 1, experimentId: created.experimentId }),
            ConditionExpression: 'attribute_not_exists(pk)',
          }),
        ),
      );
      if (named) return created;
      await put({ ...created, name: `${created.name} (lost ${created.experimentId})`, lifecycleStage: 'deleted' });
      return undefined;
    },
  };
}
