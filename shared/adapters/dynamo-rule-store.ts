import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { experimentKey, fromRulesItem, noRules, rulesSortKey, toRulesItem } from '../contracts/registry-items.ts';
import type { Clock, RuleStore } from '../domain/ports.ts';
import { remember } from '../domain/remember.ts';
import type { Rules } from '../domain/rules.ts';
import { isApplied } from './dynamo-conditional.ts';

/** Experiments whose rules one process keeps. */
const maxCached = 1_000;

/**
 * `rules` is the current version; before it is replaced it is copied to `rules#<version>`. Only what was current is ever copied, so
 * writers that race, or die between the two writes, leave no copy that says something else than what decided.
 */
export function dynamoRuleStore(
  client: DynamoDBClient,
  table: string,
  { cacheSeconds, now }: { cacheSeconds: number; now: Clock },
): RuleStore {
  const current = remember<Rules>({ forMs: cacheSeconds * 1000, atMost: maxCached, now });
  const versions = new Map<string, Rules>();

  async function read(experimentId: string, sk: string): Promise<Rules | undefined> {
    const Key = marshall({ pk: experimentKey(experimentId), sk });
    const { Item } = await client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }));
    return Item && fromRulesItem(unmarshall(Item));
  }

  async function readCurrent(experimentId: string): Promise<Rules> {
    return (await read(experimentId, 'rules')) ?? noRules(experimentId);
  }

  /** A version is current, or was: between the two reads it can have ceased to be. */
  async function readVersion(experimentId: string, version: number): Promise<Rules | undefined> {
    const copy = await read(experimentId, rulesSortKey(version));
    if (copy) return copy;
    const current = await read(experimentId, 'rules');
    return current?.version === version ? current : read(experimentId, rulesSortKey(version));
  }

  const put = (rules: Rules, sk: string) => ({
    TableName: table,
    Item: marshall(toRulesItem(rules, sk), { removeUndefinedValues: true }),
  });

  return {
    current(experimentId) {
      return current.recall(experimentId, () => readCurrent(experimentId));
    },

    async version(experimentId, version) {
      if (version === 0) return noRules(experimentId);
      const key = `${experimentId}#${version}`;
      const known = versions.get(key);
      if (known) return known;
      const rules = await readVersion(experimentId, version);
      if (versions.size >= maxCached) versions.clear();
      if (rules) versions.set(key, rules);
      return rules;
    },

    async replace(rules) {
      // Whether it replaces them or was overtaken: what was known is over.
      current.forget(rules.experimentId);
      const before = await readCurrent(rules.experimentId);
      if (before.version !== rules.version - 1) return false;
      if (before.version > 0) await client.send(new PutItemCommand(put(before, rulesSortKey(before.version))));
      return isApplied(client.send(new PutItemCommand({ ...put(rules, 'rules'), ...replaces(before) })));
    },
  };
}

/** The condition that `current` still is. */
function replaces(current: Rules) {
  if (current.version === 0) return { ConditionExpression: 'attribute_not_exists(pk)' };
  return {
    ConditionExpression: '#version = :current',
    ExpressionAttributeNames: { '#version': 'version' },
    ExpressionAttributeValues: marshall({ ':current': current.version }),
  };
}
