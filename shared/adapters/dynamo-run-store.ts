import {
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  paginateQuery,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import {
  fromRunItem,
  fromRunItems,
  runKey,
  runPartKey,
  runsKey,
  toRunItem,
  toTextItem,
} from '../contracts/run-items.ts';
import type { RunStore } from '../domain/ports.ts';
import type { RunInfo } from '../domain/run.ts';
import { batchWrite } from './dynamo-batch.ts';
import { isApplied } from './dynamo-conditional.ts';
import { dynamoRunData } from './dynamo-run-data.ts';

/** Runs: each write is of one item and can be repeated, so that a request that died is sent again. */
export function dynamoRunStore(client: DynamoDBClient, table: string): RunStore {
  /** Answers the run as it is then, undefined where the condition does not hold. */
  async function update(runId: string, change: Partial<RunInfo>, condition: string): Promise<RunInfo | undefined> {
    const key = runKey(runId);
    const entries = Object.entries(change).filter(([, value]) => value !== undefined);
    if (!key || entries.length === 0) return undefined;
    let updated: RunInfo | undefined;
    await isApplied(
      client
        .send(
          new UpdateItemCommand({
            TableName: table,
            Key: marshall(key),
            UpdateExpression: `SET ${entries.map((_, i) => `#f${i} = :v${i}`).join(', ')}`,
            ConditionExpression: `attribute_exists(pk)${condition}`,
            ExpressionAttributeNames: Object.fromEntries(entries.map(([name], i) => [`#f${i}`, name])),
            ExpressionAttributeValues: marshall({
              ...Object.fromEntries(entries.map(([, value], i) => [`:v${i}`, value])),
              ...(condition && { ':active': 'active' }),
            }),
            ReturnValues: 'ALL_NEW',
          }),
        )
        .then(({ Attributes }) => {
          updated = Attributes && fromRunItem(unmarshall(Attributes));
        }),
    );
    return updated;
  }

  async function getInfo(runId: string): Promise<RunInfo | undefined> {
    const key = runKey(runId);
    if (!key) return undefined;
    const { Item } = await client.send(
      new GetItemCommand({ TableName: table, Key: marshall(key), ConsistentRead: true }),
    );
    return Item && fromRunItem(unmarshall(Item));
  }

  /** Items of a range of keys in the order asked for. */
  async function* items(pk: string, range: { from: string; below: string; forward: boolean }) {
    const pages = paginateQuery(
      { client },
      {
        TableName: table,
        KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :below',
        ExpressionAttributeValues: marshall({ ':pk': pk, ':from': range.from, ':below': range.below }),
        ScanIndexForward: range.forward,
        ConsistentRead: true,
      },
    );
    for await (const { Items = [] } of pages) for (const item of Items) yield unmarshall(item);
  }

  return {
    getInfo,
    ...dynamoRunData(client, table),

    async create(run, tags) {
      await batchWrite(client, {
        table,
        puts: Object.entries(tags).map((tag) => marshall(toTextItem(run.runId, 'tag', tag))),
      });
      // Last: a run that is there is whole.
      const Item = marshall(toRunItem(run), { removeUndefinedValues: true });
      return isApplied(
        client.send(new PutItemCommand({ TableName: table, Item, ConditionExpression: 'attribute_not_exists(pk)' })),
      );
    },

    async get(runId) {
      const key = runKey(runId);
      if (!key) return undefined;
      const found: Record<string, unknown>[] = [];
      // `$` follows `#`.
      for await (const item of items(key.pk, { from: key.sk, below: `${key.sk}$`, forward: true })) found.push(item);
      return found[0]?.sk === key.sk ? fromRunItems(found) : undefined;
    },

    async *newest(experimentId, below) {
      let parts: Record<string, unknown>[] = [];
      const end = below === undefined ? 'run#~' : `run#${below}`;
      for await (const item of items(runsKey(experimentId), { from: 'run#', below: end, forward: false })) {
        // The bound itself is outside.
        if (item.sk === end) continue;
        // Backwards, what a run has comes before the run; what has no run died before it was made.
        const runId = String(item.sk).slice(4, 36);
        if (parts.length > 0 && String(parts[0]?.sk).slice(4, 36) !== runId) parts = [];
        parts.push(item);
        if (String(item.sk).length > 36) continue;
        yield fromRunItems(parts.toReversed());
        parts = [];
      }
    },

    update: (runId, change) => update(runId, change, ' AND lifecycleStage = :active'),

    async setLifecycle(runId, stage) {
      await update(runId, { lifecycleStage: stage }, '');
    },

    async removeTag(runId, key) {
      const { Attributes } = await client.send(
        new DeleteItemCommand({
          TableName: table,
          Key: marshall(runPartKey(runId, 'tag', key)),
          ReturnValues: 'ALL_OLD',
        }),
      );
      return Attributes !== undefined;
    },
  };
}
