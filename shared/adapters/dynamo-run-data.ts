import { type DynamoDBClient, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import {
  fromMetricItem,
  pointPrefix,
  runPartKey,
  toInputItem,
  toMetricItem,
  toPointItem,
  toTextItem,
} from '../contracts/run-items.ts';
import { settleInParallel } from '../domain/in-parallel.ts';
import type { RunStore } from '../domain/ports.ts';
import { batchGet, batchWrite } from './dynamo-batch.ts';
import { isApplied } from './dynamo-conditional.ts';

type RunData = Pick<RunStore, 'putTags' | 'putParams' | 'addMetrics' | 'history' | 'addInputs'>;

/** Writes that need a condition go one by one. */
const writesAtOnce = 32;

/** What a run has: an item each, so that no run outgrows one and each write can be repeated. */
export function dynamoRunData(client: DynamoDBClient, table: string): RunData {
  const put = (item: Record<string, unknown>, condition: string, values?: Record<string, string>) =>
    isApplied(
      client.send(
        new PutItemCommand({
          TableName: table,
          Item: marshall(item, { removeUndefinedValues: true }),
          ConditionExpression: condition,
          ...(values && { ExpressionAttributeValues: marshall(values) }),
        }),
      ),
    );

  async function putAll<T>(values: readonly T[], task: (value: T) => Promise<unknown>): Promise<void> {
    const results = await settleInParallel(values, { limit: writesAtOnce, task });
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  async function paramsOf(runId: string, names: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const keys = names.map((name) => marshall(runPartKey(runId, 'param', name)));
    const found = (await batchGet(client, { table, keys, consistent: true })).map((item) => unmarshall(item));
    const start = runPartKey(runId, 'param', '').sk.length;
    return new Map(found.map(({ sk, text }) => [String(sk).slice(start), String(text)]));
  }

  return {
    async putTags(runId, tags) {
      await batchWrite(client, {
        table,
        puts: Object.entries(tags).map((tag) => marshall(toTextItem(runId, 'tag', tag))),
      });
    },

    async putParams(runId, params) {
      const others = async () => {
        const known = await paramsOf(runId, Object.keys(params));
        return [...known].filter(([key, value]) => params[key] !== value).map(([key, value]) => ({ key, value }));
      };
      // Nothing is written of a batch that contradicts what is there.
      const before = await others();
      if (before.length > 0) return before;
      await putAll(Object.entries(params), (param) =>
        put(toTextItem(runId, 'param', param), 'attribute_not_exists(pk)'),
      );
      return others();
    },

    async addMetrics(runId, metrics) {
      await batchWrite(client, { table, puts: metrics.map((metric) => marshall(toPointItem(runId, metric))) });
      const latest = new Map<unknown, Record<string, unknown>>();
      for (const item of metrics.map((metric) => toMetricItem(runId, metric))) {
        const other = latest.get(item.sk);
        if (!other || String(other.latestRank) < String(item.latestRank)) latest.set(item.sk, item);
      }
      await putAll([...latest.values()], (item) =>
        put(item, 'attribute_not_exists(pk) OR latestRank < :rank', { ':rank': String(item.latestRank) }),
      );
    },

    async history(runId, { key, limit, after }) {
      const prefix = pointPrefix(key);
      const found: Record<string, unknown>[] = [];
      let start = after === undefined ? undefined : marshall({ pk: `run#${runId}`, sk: prefix + after });
      do {
        const { Items = [], LastEvaluatedKey } = await client.send(
          new QueryCommand({
            TableName: table,
            KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
            ExpressionAttributeValues: marshall({ ':pk': `run#${runId}`, ':prefix': prefix }),
            Limit: limit - found.length,
            ConsistentRead: true,
            ...(start && { ExclusiveStartKey: start }),
          }),
        );
        found.push(...Items.map((item) => unmarshall(item)));
        start = LastEvaluatedKey;
      } while (start && found.length < limit);
      const last = found.at(-1);
      return {
        metrics: found.map(fromMetricItem),
        ...(start && last && { next: String(last.sk).slice(prefix.length) }),
      };
    },

    async addInputs(runId, inputs) {
      await putAll(inputs, (input) => put(toInputItem(runId, input), 'attribute_not_exists(pk)'));
    },
  };
}
