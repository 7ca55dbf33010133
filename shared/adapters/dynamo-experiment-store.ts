import { type DynamoDBClient, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import {
  experimentCounterKey,
  experimentKey,
  experimentNameKey,
  fromExperimentItem,
} from '../contracts/registry-items.ts';
import { defaultExperimentId, type Experiment } from '../domain/experiment.ts';
import type { ExperimentStore } from '../domain/ports.ts';
import { batchGet } from './dynamo-batch.ts';
import { dynamoClaims } from './dynamo-claims.ts';
import { defaultExperiment, dynamoExperimentItem } from './dynamo-experiment-item.ts';

/**
 * Experiments by id and by name. A name is an item of its own that says whose it is; it counts while the experiment has that name,
 * or is about to: whoever renames says so in the experiment before claiming the name (`renamingTo`), and what dies after the claim
 * is completed by the next who asks for the name.
 */
export function dynamoExperimentStore(client: DynamoDBClient, table: string): ExperimentStore {
  const claims = dynamoClaims(client, table);
  const item = dynamoExperimentItem(client, table);

  async function get(experimentId: string): Promise<Experiment | undefined> {
    const found = await item.read(experimentId);
    if (found) return fromExperimentItem(found);
    return experimentId === defaultExperimentId ? defaultExperiment : undefined;
  }

  async function lastId(): Promise<number> {
    const { Item } = await client.send(
      new GetItemCommand({ TableName: table, Key: marshall(experimentCounterKey), ConsistentRead: true }),
    );
    return Number(Item?.lastId?.N ?? 0);
  }

  async function nextId(): Promise<string> {
    const { Attributes } = await client.send(
      new UpdateItemCommand({
        TableName: table,
        Key: marshall(experimentCounterKey),
        UpdateExpression: 'ADD lastId :one',
        ExpressionAttributeValues: marshall({ ':one': 1 }),
        ReturnValues: 'UPDATED_NEW',
      }),
    );
    return String(Attributes?.lastId?.N);
  }

  /** Ends a renaming that has its claim. */
  const commitName = (experimentId: string, name: string) =>
    item.update(experimentId, {
      UpdateExpression: 'SET #name = :name, updatedAt = renamingAt REMOVE renamingTo, renamingAt',
      ConditionExpression: 'renamingTo = :name',
      ExpressionAttributeNames: { '#name': 'name' },
      values: { ':name': name },
    });

  /** Whether the experiment that claimed a name stands by it; one that is not there yet is being created. */
  async function holds(experimentId: string, name: string): Promise<boolean> {
    const holder = await item.read(experimentId);
    if (!holder || holder.name === name) return true;
    return holder.renamingTo === name && commitName(experimentId, name);
  }

  /** The experiment for which a name to be created stands: a new one, or one whose creator died before it was written. */
  async function idFor(name: string): Promise<string> {
    const claim = await claims.read(experimentNameKey(name));
    if (claim && (await holds(claim.experimentId, name))) return claim.experimentId;
    return claims.take(experimentNameKey(name), await nextId(), (other) => holds(other, name));
  }

  return {
    get,

    async getMany(experimentIds) {
      const keys = [...new Set(experimentIds)].map((id) => marshall({ pk: experimentKey(id), sk: 'meta' }));
      const found = (await batchGet(client, { table, keys, consistent: true })).map((read) =>
        fromExperimentItem(unmarshall(read)),
      );
      const lacksDefault =
        experimentIds.includes(defaultExperimentId) && !found.some((one) => one.experimentId === defaultExperimentId);
      const all = lacksDefault ? [defaultExperiment, ...found] : found;
      return all.toSorted((a, b) => Number(a.experimentId) - Number(b.experimentId));
    },

    async getByName(name) {
      const claim = await claims.read(experimentNameKey(name));
      if (!claim && name !== defaultExperiment.name) return undefined;
      const experiment = await get(claim?.experimentId ?? defaultExperimentId);
      return experiment?.name === name ? experiment : undefined;
    },

    async list() {
      return this.getMany(Array.from({ length: (await lastId()) + 1 }, (_, id) => String(id)));
    },

    /**
     * The name first, with the id that it stands for, then the experiment: where a writer died between the two, the next who
     * asks for the name completes it. Of several at once the one whose experiment is written first has made it.
     */
    async create(experiment, { wantedTable } = {}) {
      if (experiment.name === defaultExperiment.name) await item.putDefault();
      const created: Experiment = { experimentId: await idFor(experiment.name), ...experiment };
      return (await item.putNew(created, wantedTable)) ? created : undefined;
    },

    async rename(experimentId, { name, at }) {
      if (experimentId === defaultExperimentId || name === defaultExperiment.name) await item.putDefault();
      const before = await get(experimentId);
      if (before?.lifecycleStage !== 'active') return 'not-active';
      if (before.name === name) return 'renamed';
      const oldClaim = await claims.read(experimentNameKey(before.name));
      const isWanted = await item.update(experimentId, {
        UpdateExpression: 'SET renamingTo = :name, renamingAt = :at',
        ConditionExpression: 'lifecycleStage = :active',
        values: { ':name': name, ':at': at, ':active': 'active' },
      });
      if (!isWanted) return 'not-active';
      const owner = await claims.take(experimentNameKey(name), experimentId, (holder) => holds(holder, name));
      if (owner !== experimentId) return 'taken';
      await commitName(experimentId, name);
      if (oldClaim?.experimentId === experimentId) await claims.release(experimentNameKey(before.name), oldClaim);
      return (await get(experimentId))?.name === name ? 'renamed' : 'taken';
    },

    async setLifecycle(experimentId, { stage, at }) {
      await item.update(experimentId, {
        UpdateExpression: 'SET lifecycleStage = :stage, updatedAt = :at',
        ConditionExpression: 'attribute_exists(pk) AND lifecycleStage <> :stage',
        values: { ':stage': stage, ':at': at },
      });
    },

    async setTag(experimentId, key, value) {
      return item.update(experimentId, {
        UpdateExpression: value === undefined ? 'REMOVE tags.#key' : 'SET tags.#key = :value',
        ConditionExpression: 'lifecycleStage = :active',
        ExpressionAttributeNames: { '#key': key },
        values: { ':active': 'active', ...(value !== undefined && { ':value': value }) },
      });
    },
  };
}
