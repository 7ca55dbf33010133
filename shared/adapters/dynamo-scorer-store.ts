import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import {
  experimentKey,
  fromScorerIdItem,
  fromScorerItem,
  fromScorerVersionItem,
  scorerIdKey,
  scorerSortKey,
  scorerVersionSortKey,
  toScorerIdItem,
  toScorerItem,
  toScorerVersionItem,
} from '../contracts/registry-items.ts';
import { ApiError } from '../domain/api-error.ts';
import type { ScorerStore } from '../domain/ports.ts';
import {
  asFollowed,
  isEarlier,
  isRepeated,
  latestOf,
  type ScorerHead,
  withoutVersion,
  withoutVersions,
  withVersion,
} from '../domain/registering/scorer-head.ts';
import type { ScorerVersion } from '../domain/scorer.ts';
import { batchGet } from './dynamo-batch.ts';
import { isApplied } from './dynamo-conditional.ts';
import { queryItems } from './dynamo-query.ts';

/** Versions that one process keeps; they never change. */
const maxCached = 500;
const attempts = 10;

type Item = Record<string, unknown>;

/**
 * `scorer#<name>` is the only truth about a scorer, its latest version in it; before that is replaced it is copied to
 * `scorer-version#…`. Only what was the latest is ever copied, so writers that race, or die between the two writes, leave nothing that
 * says something else, and no version that is there and not listed. `scorer-id#<id>` finds a scorer by its id.
 */
export function dynamoScorerStore(client: DynamoDBClient, table: string): ScorerStore {
  const cache = new Map<string, ScorerVersion>();

  async function read(experimentId: string, sk: string): Promise<Item | undefined> {
    const Key = marshall({ pk: experimentKey(experimentId), sk });
    const { Item } = await client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }));
    return Item && unmarshall(Item);
  }

  async function readHead(experimentId: string, name: string): Promise<ScorerHead | undefined> {
    const item = await read(experimentId, scorerSortKey(name));
    return item && fromScorerItem(item);
  }

  const query = (experimentId: string, prefix: string) =>
    queryItems(client, { table, pk: experimentKey(experimentId), prefix, consistent: true });

  const put = (item: Item, condition?: Pick<PutItemCommand['input'], 'ConditionExpression'> & object) =>
    isApplied(
      client.send(
        new PutItemCommand({ TableName: table, Item: marshall(item, { removeUndefinedValues: true }), ...condition }),
      ),
    );

  /** Writes what follows on a head; false where another writer was first. */
  async function replace(before: ScorerHead | undefined, next: ScorerHead): Promise<boolean> {
    // Found by its id before it is there, never there and not found.
    if (before === undefined) await put(toScorerIdItem(next));
    const latest = before && latestOf(before);
    const isReplaced = latest !== undefined && next.latest?.version !== latest.version;
    if (isReplaced) await put(toScorerVersionItem(latest), { ConditionExpression: 'attribute_not_exists(pk)' });
    return put(toScorerItem(next), isStill(before));
  }

  /** Changes the head on top of whatever another writer made of it meanwhile; `change` answers undefined for nothing to do. */
  async function changeHead(
    experimentId: string,
    name: string,
    change: (head: ScorerHead | undefined) => Promise<ScorerHead | undefined> | ScorerHead | undefined,
  ): Promise<ScorerHead | undefined> {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const before = await readHead(experimentId, name);
      const next = await change(before);
      if (next === undefined || next === before || (await replace(before, next))) return next;
    }
    throw new ApiError('REQUEST_LIMIT_EXCEEDED', `scorer ${name} is being changed by too many at once: try again`);
  }

  async function earlierVersions(head: ScorerHead): Promise<readonly ScorerVersion[]> {
    const copies = await query(head.experimentId, `scorer-version#${head.name}\0`);
    return copies.map(fromScorerVersionItem).filter(({ version }) => isEarlier(head, version));
  }

  /** A version is the latest, or was: between the two reads it can have ceased to be. */
  async function readDefinition(experimentId: string, name: string, version: number) {
    const readCopy = async () => {
      const item = await read(experimentId, scorerVersionSortKey(name, version));
      return item && fromScorerVersionItem(item);
    };
    const copy = await readCopy();
    if (copy) return copy;
    const head = await readHead(experimentId, name);
    const latest = head && latestOf(head);
    return latest?.version === version ? latest : readCopy();
  }

  async function definition(experimentId: string, name: string, version: number) {
    const key = `${experimentId}/${version}/${name}`;
    const known = cache.get(key);
    if (known) return known;
    const found = await readDefinition(experimentId, name, version);
    if (cache.size >= maxCached) cache.clear();
    if (!found) return undefined;
    const { unfollowed: _, ...fixed } = found;
    cache.set(key, fixed);
    return fixed;
  }

  return {
    definition,

    async register(scorer) {
      const head = await changeHead(scorer.experimentId, scorer.name, (before) =>
        before && isRepeated(before, scorer) ? before : withVersion(before, scorer),
      );
      const registered = head && latestOf(head);
      if (registered === undefined) throw new Error(`scorer ${scorer.name} has no version after its registration`);
      return registered;
    },

    async markFollowed({ experimentId, name, version }) {
      const head = await readHead(experimentId, name);
      // Where another writer is first, the next reader has the rules followed again.
      if (head?.unfollowed && head.latest?.version === version) await replace(head, asFollowed(head));
    },

    async get(experimentId, name, version) {
      const head = await readHead(experimentId, name);
      if (head === undefined) return undefined;
      if (version === undefined || version === head.latest?.version) return latestOf(head);
      return isEarlier(head, version) ? definition(experimentId, name, version) : undefined;
    },

    async list(experimentId) {
      const heads = (await query(experimentId, 'scorer#')).map(fromScorerItem);
      return heads.flatMap((head) => latestOf(head) ?? []);
    },

    async versions(experimentId, name) {
      const head = await readHead(experimentId, name);
      const latest = head && latestOf(head);
      return latest ? [...(await earlierVersions(head)), latest] : [];
    },

    async find(scorerIds) {
      const keys = [...new Set(scorerIds)].map((scorerId) => marshall(scorerIdKey(scorerId)));
      const items = await batchGet(client, { table, keys, consistent: true });
      return items.map((item) => fromScorerIdItem(unmarshall(item)));
    },

    async remove(experimentId, name, version) {
      let isThere = false;
      await changeHead(experimentId, name, async (head) => {
        isThere = false;
        if (head?.latest === undefined) return undefined;
        const isMeant = version === undefined || version === head.latest.version || isEarlier(head, version);
        if (!isMeant || (version !== undefined && !(await definition(experimentId, name, version)))) return undefined;
        isThere = true;
        return version === undefined
          ? withoutVersions(head)
          : withoutVersion(head, version, await earlierVersions(head));
      });
      return isThere;
    },
  };
}

/** The condition that a head still is as it was read. */
function isStill(head: ScorerHead | undefined) {
  if (head === undefined) return { ConditionExpression: 'attribute_not_exists(pk)' };
  return {
    ConditionExpression: '#revision = :revision',
    ExpressionAttributeNames: { '#revision': 'revision' },
    ExpressionAttributeValues: marshall({ ':revision': head.revision }),
  };
}
