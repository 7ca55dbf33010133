import { type DynamoDBClient, QueryCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { dayOf, daysKey, type TraceItemOptions, toDayItem } from '../contracts/trace-item.ts';
import { settleInParallel, valuesOf } from '../domain/in-parallel.ts';
import type { TraceInfo } from '../domain/trace.ts';
import { isApplied } from './dynamo-conditional.ts';

/** Days that one process remembers to have announced. */
const maxAnnounced = 10_000;
const writesAtOnce = 8;

/** Writes that an experiment has traces of a day before the first of them can be looked for; once a process, and again each day. */
export function dayAnnouncer(client: DynamoDBClient, table: string, options: TraceItemOptions) {
  const announced = new Set<string>();

  /** Another trace of the day, which arrived later, keeps it for longer. */
  function announce({ pk, sk, v, expiresAt }: Record<string, unknown>): Promise<boolean> {
    return isApplied(
      client.send(
        new UpdateItemCommand({
          TableName: table,
          Key: marshall({ pk, sk }),
          UpdateExpression: 'SET v = :v, expiresAt = :expires',
          ConditionExpression: 'attribute_not_exists(expiresAt) OR expiresAt < :expires',
          ExpressionAttributeValues: marshall({ ':v': v, ':expires': expiresAt }),
        }),
      ),
    );
  }

  return async (infos: readonly TraceInfo[]): Promise<void> => {
    const fresh = new Map<string, Record<string, unknown>>();
    for (const { experimentId, facts, lastArrivalAt } of infos) {
      const day = dayOf(facts.requestTime);
      const key = `${experimentId}#${day}#${dayOf(lastArrivalAt)}`;
      if (!announced.has(key)) fresh.set(key, toDayItem(experimentId, day, { ...options, now: lastArrivalAt }));
    }
    if (fresh.size === 0) return;
    valuesOf(await settleInParallel([...fresh.values()], { limit: writesAtOnce, task: announce }));
    if (announced.size > maxAnnounced) announced.clear();
    for (const key of fresh.keys()) announced.add(key);
  };
}

/** The days of which an experiment has, or had, traces; earliest first. */
export async function daysOf(
  client: DynamoDBClient,
  { table, experimentId }: { table: string; experimentId: string },
): Promise<readonly string[]> {
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName: table,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: marshall({ ':pk': daysKey(experimentId) }),
    }),
  );
  return Items.flatMap((item) => item.sk?.S ?? []);
}
