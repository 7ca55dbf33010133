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

  const putNew = (item: Record<string, unknown>) =>
    isApplied(
      client.send(
        new PutItemCommand({
          TableName: table,
          Item: marshall(item),
          ConditionExpression: 'attribute_not_exists(pk)',
        }),
      ),
    );

  /** The id that a name stands for, whoever claimed it. */
  async function claimName(name: string): Promise<string> {
    const key = experimentNameKey(name);
    const known = await read(key);
    if (known) return String(known.experimentId);
    const experimentId = String(await nextId());
    if (await putNew({ ...key, v: 1, experimentId })) return experimentId;
    return String((await read(key))?.experimentId);
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
     * The name first, with the id that it stands for, then the experiment: where a writer died between the two, the next who
     * asks for the name completes it. Of several at once the one whose experiment is written first has made it.
     */
    async create(experiment) {
      if (experiment.name === defaultExperiment.name) return undefined;
      const created: Experiment = { experimentId: await claimName(experiment.name), ...experiment };
      return (await putNew(toExperimentItem(created))) ? created : undefined;
    },
  };
}
