import { randomUUID } from 'node:crypto';
import {
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import {
  experimentKey,
  fromScorerItem,
  scorerSortKey,
  scorerVersionSortKey,
  toScorerItem,
} from '../contracts/registry-items.ts';
import type { ScorerStore } from '../domain/ports.ts';
import type { ScorerVersion } from '../domain/scorer.ts';
import { isApplied } from './dynamo-conditional.ts';

/** Versions that one process keeps; they never change. */
const maxCached = 500;
const attempts = 10;

/**
 * `scorer-version#…` holds each version, `scorer#<name>` the latest. A version is claimed by a conditional put, so that two writers
 * get two versions; the pointer follows, and what a writer that died left behind, the next registration moves it past.
 */
export function dynamoScorerStore(client: DynamoDBClient, table: string): ScorerStore {
  const cache = new Map<string, ScorerVersion>();

  async function read(experimentId: string, sk: string): Promise<ScorerVersion | undefined> {
    const Key = marshall({ pk: experimentKey(experimentId), sk });
    const { Item } = await client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }));
    return Item && fromScorerItem(unmarshall(Item));
  }

  async function query(experimentId: string, prefix: string): Promise<readonly ScorerVersion[]> {
    const found: ScorerVersion[] = [];
    let ExclusiveStartKey: Record<string, never> | undefined;
    do {
      const page = await client.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
          ExpressionAttributeValues: marshall({ ':pk': experimentKey(experimentId), ':prefix': prefix }),
          ConsistentRead: true,
          ...(ExclusiveStartKey && { ExclusiveStartKey }),
        }),
      );
      for (const item of page.Items ?? []) found.push(fromScorerItem(unmarshall(item)));
      ExclusiveStartKey = page.LastEvaluatedKey as typeof ExclusiveStartKey;
    } while (ExclusiveStartKey);
    return found;
  }

  const versions = (experimentId: string, name: string) => query(experimentId, `scorer-version#${name}\0`);

  const put = (scorer: ScorerVersion, sk: string, condition: string, values: Record<string, unknown> = {}) =>
    isApplied(
      client.send(
        new PutItemCommand({
          TableName: table,
          Item: marshall(toScorerItem(scorer, sk)),
          ConditionExpression: condition,
          ...(Object.keys(values).length > 0 && {
            ExpressionAttributeNames: { '#version': 'version' },
            ExpressionAttributeValues: marshall(values),
          }),
        }),
      ),
    );

  return {
    async register(scorer) {
      for (let attempt = 0; attempt < attempts; attempt++) {
        const latest = (await versions(scorer.experimentId, scorer.name)).at(-1);
        const next = { ...scorer, version: (latest?.version ?? 0) + 1, scorerId: latest?.scorerId ?? randomUUID() };
        if (!(await put(next, scorerVersionSortKey(next.name, next.version), 'attribute_not_exists(pk)'))) continue;
        await put(next, scorerSortKey(next.name), 'attribute_not_exists(pk) OR #version < :version', {
          ':version': next.version,
        });
        return next;
      }
      throw new Error(`scorer ${scorer.name} is being registered by too many at once`);
    },

    async get(experimentId, name, version) {
      if (version === undefined) return read(experimentId, scorerSortKey(name));
      const key = `${experimentId}/${version}/${name}`;
      const known = cache.get(key);
      if (known) return known;
      const found = await read(experimentId, scorerVersionSortKey(name, version));
      if (cache.size >= maxCached) cache.clear();
      if (found) cache.set(key, found);
      return found;
    },

    list: (experimentId) => query(experimentId, 'scorer#'),
    versions,

    async remove(experimentId, name) {
      const Key = marshall({ pk: experimentKey(experimentId), sk: scorerSortKey(name) });
      await client.send(new DeleteItemCommand({ TableName: table, Key }));
    },
  };
}
