import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { otelTableKey } from '../contracts/registry-items.ts';
import type { Experiment } from '../domain/experiment.ts';
import { otelTableTag } from '../domain/experiment-tags.ts';
import type { ExperimentStore, OtelTableStore, TableAssignment } from '../domain/ports.ts';
import { dynamoClaims } from './dynamo-claims.ts';
import { dynamoExperimentItem } from './dynamo-experiment-item.ts';
import { queryItems } from './dynamo-query.ts';

/**
 * Tables of Databricks' exporters: an item a table says whose it is, all in one partition. It counts while the experiment's tag
 * names the table, or is about to (`claimingTable`): the same protocol as that of names.
 */
export function dynamoOtelTableStore(
  client: DynamoDBClient,
  table: string,
  experiments: Pick<ExperimentStore, 'get' | 'getMany'>,
): OtelTableStore {
  const claims = dynamoClaims(client, table);
  const item = dynamoExperimentItem(client, table);

  const commit = (experimentId: string, name: string) =>
    item.update(experimentId, {
      UpdateExpression: 'SET tags.#tag = claimingTable REMOVE claimingTable',
      ConditionExpression: 'claimingTable = :name',
      ExpressionAttributeNames: { '#tag': otelTableTag },
      values: { ':name': name },
    });

  async function holds(experimentId: string, name: string): Promise<boolean> {
    if (tableOf(await experiments.get(experimentId)) === name) return true;
    return commit(experimentId, name);
  }

  async function unassign(experimentId: string): Promise<'assigned' | 'not-active'> {
    const isActive = await item.update(experimentId, {
      UpdateExpression: 'REMOVE tags.#tag, claimingTable',
      ConditionExpression: 'lifecycleStage = :active',
      ExpressionAttributeNames: { '#tag': otelTableTag },
      values: { ':active': 'active' },
    });
    return isActive ? 'assigned' : 'not-active';
  }

  async function claimFor(experimentId: string, name: string): Promise<TableAssignment> {
    const isWanted = await item.update(experimentId, {
      UpdateExpression: 'SET claimingTable = :name',
      ConditionExpression: 'lifecycleStage = :active',
      values: { ':name': name, ':active': 'active' },
    });
    return isWanted ? takeWanted(experimentId, name) : 'not-active';
  }

  async function takeWanted(experimentId: string, name: string): Promise<TableAssignment> {
    const owner = await claims.take(otelTableKey(name), experimentId, (holder) => holds(holder, name));
    if (owner === experimentId) {
      await commit(experimentId, name);
      return 'assigned';
    }
    await item.update(experimentId, {
      UpdateExpression: 'REMOVE claimingTable',
      ConditionExpression: 'claimingTable = :name',
      values: { ':name': name },
    });
    return { table: name, owner };
  }

  return {
    async find(name) {
      const claim = await claims.read(otelTableKey(name));
      if (!claim) return undefined;
      return tableOf(await experiments.get(claim.experimentId)) === name ? claim.experimentId : undefined;
    },

    async list() {
      const items = await queryItems(client, { table, pk: otelTableKey('').pk, consistent: false });
      const claimed = items.map(({ sk, experimentId }) => ({ table: String(sk), experimentId: String(experimentId) }));
      const owners = await experiments.getMany(claimed.map(({ experimentId }) => experimentId));
      const held = new Map(
        owners
          .filter(({ lifecycleStage }) => lifecycleStage === 'active')
          .map((owner) => [owner.experimentId, tableOf(owner)]),
      );
      return claimed.filter((claim) => held.get(claim.experimentId) === claim.table);
    },

    async assign(experimentId, name) {
      const before = tableOf(await experiments.get(experimentId));
      const claim = before === undefined || before === name ? undefined : await claims.read(otelTableKey(before));
      const result = name === undefined ? await unassign(experimentId) : await claimFor(experimentId, name);
      if (result === 'assigned' && before !== undefined && claim?.experimentId === experimentId)
        await claims.release(otelTableKey(before), claim);
      return result;
    },

    async assignWanted(experimentId) {
      const wanted = (await item.read(experimentId))?.claimingTable;
      return wanted === undefined ? 'assigned' : takeWanted(experimentId, String(wanted));
    },
  };
}

function tableOf(experiment: Experiment | undefined): string | undefined {
  return experiment?.tags[otelTableTag]?.toLowerCase();
}
