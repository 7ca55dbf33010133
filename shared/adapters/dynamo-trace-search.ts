import { type DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import {
  clientRequestPartitionKey,
  dayOf,
  sessionPartitionKey,
  timePartitionKey,
  timePrefix,
  timeShards,
} from '../contracts/trace-item.ts';
import type { FoundTrace, TimeQuery, TraceSearch } from '../domain/ports.ts';
import { daysOf } from './dynamo-days.ts';

/** An index over traces: partitions in the order of time. Positions are `<13-digit ms>#<trace id>`. */
interface TimeIndex {
  readonly name: string;
  readonly partitionKey: string;
  readonly sortKey: string;
}

const byTime: TimeIndex = { name: 'by-time', partitionKey: 'timePk', sortKey: 'timeSk' };
const bySession: TimeIndex = { name: 'by-session', partitionKey: 'sessionPk', sortKey: 'sessionSk' };
const byClientRequest: TimeIndex = {
  name: 'by-client-request',
  partitionKey: 'clientRequestPk',
  sortKey: 'clientRequestSk',
};

interface Found {
  readonly traces: readonly FoundTrace[];
  readonly isAtEnd: boolean;
}

/** The indexes of the traces table. By time, each experiment and day has a few partitions. */
export function dynamoTraceSearch(client: DynamoDBClient, table: string): TraceSearch {
  /** The first of a partition, those behind `before` in the order asked for; whether there may be more. */
  async function inPartition(index: TimeIndex, partition: string, query: TimeQuery): Promise<Found> {
    const { from, to, before, ascending = false } = query;
    // `~` sorts behind every trace id of a millisecond.
    const [first, last] = [timePrefix(from), `${timePrefix(to)}~`];
    const lower = ascending && before !== undefined && before > first ? before : first;
    const upper = !ascending && before !== undefined && before < last ? before : last;
    // DynamoDB refuses a range that ends before it starts.
    if (upper < lower) return { traces: [], isAtEnd: true };
    const { Items = [], LastEvaluatedKey } = await client.send(
      new QueryCommand({
        TableName: table,
        IndexName: index.name,
        KeyConditionExpression: `${index.partitionKey} = :pk AND ${index.sortKey} BETWEEN :from AND :to`,
        ExpressionAttributeValues: marshall({ ':pk': partition, ':from': lower, ':to': upper }),
        ScanIndexForward: ascending,
        // One more: BETWEEN includes the position that was seen.
        Limit: query.limit + 1,
      }),
    );
    const traces = Items.map((item) => ({ traceId: item.pk?.S ?? '', position: item[index.sortKey]?.S ?? '' }));
    return {
      traces: traces.filter(({ position }) => position !== before),
      isAtEnd: LastEvaluatedKey === undefined,
    };
  }

  /** The first of several partitions together. Each is asked for its share, and for more where the others have less. */
  async function inPartitions(
    index: TimeIndex,
    partitions: readonly string[],
    query: TimeQuery,
  ): Promise<readonly FoundTrace[]> {
    const forwards = query.ascending ? 1 : -1;
    const found: FoundTrace[] = [];
    let open = partitions.map((partition) => ({ partition, before: query.before }));
    for (let limit = shareOf(query.limit, partitions.length); ; limit = Math.min(limit * 4, query.limit)) {
      const task = async ({ partition, before }: (typeof open)[number]) => {
        const { traces, isAtEnd } = await inPartition(index, partition, { ...query, before, limit });
        found.push(...traces);
        return isAtEnd ? [] : [{ partition, before: traces.at(-1)?.position ?? before }];
      };
      const more = (await Promise.all(open.map(task))).flat();
      found.sort((a, b) => (a.position > b.position ? forwards : -forwards));
      const cut = found[query.limit - 1]?.position;
      // What a partition has more lies behind the last that it answered.
      open = more.filter(({ before = '' }) => cut === undefined || (query.ascending ? before < cut : before > cut));
      if (open.length === 0) return found.slice(0, query.limit);
    }
  }

  async function byDay(query: TimeQuery): Promise<readonly FoundTrace[]> {
    const known = new Set(
      (await Promise.all(query.experimentIds.map((id) => daysOf(client, { table, experimentId: id })))).flat(),
    );
    const [from, to] = daysWithin(query);
    const visited = [...known].filter((day) => day >= from && day <= to).toSorted();
    const found: FoundTrace[] = [];
    for (const day of query.ascending ? visited : visited.toReversed()) {
      const partitions = query.experimentIds.flatMap((id) => shards.map((shard) => timePartitionKey(id, day, shard)));
      found.push(...(await inPartitions(byTime, partitions, { ...query, limit: query.limit - found.length })));
      if (found.length >= query.limit) break;
    }
    return found;
  }

  return {
    async find(query) {
      const { within, experimentIds } = query;
      if (within?.kind === 'session') {
        const partitions = experimentIds.map((id) => sessionPartitionKey(id, within.id));
        return inPartitions(bySession, partitions, query);
      }
      if (within?.kind === 'client-request') {
        const partitions = experimentIds.map((id) => clientRequestPartitionKey(id, within.id));
        return inPartitions(byClientRequest, partitions, query);
      }
      return byDay(query);
    },
  };
}

/**
 * How many of the first `limit` lie in one of so many partitions, nearly always: hashing spreads them evenly, and three standard
 * deviations are above the mean what one in a thousand exceeds.
 */
function shareOf(limit: number, partitions: number): number {
  if (partitions === 1) return limit;
  const mean = limit / partitions;
  return Math.min(limit, Math.ceil(mean + 3 * Math.sqrt(mean)));
}

const shards = Array.from({ length: timeShards }, (_, shard) => shard);

/** The days that a query may visit, first and last. */
function daysWithin({ from, to, before, ascending }: TimeQuery): readonly [string, string] {
  const seen = before === undefined ? undefined : Number(before.split('#')[0]);
  const first = ascending && seen !== undefined ? Math.max(from, seen) : from;
  const last = !ascending && seen !== undefined ? Math.min(to, seen) : to;
  return [dayOf(clamped(first)), dayOf(clamped(last))];
}

/** Dates of four-digit years, which sort as text. */
function clamped(epochMs: number): number {
  return Math.min(Math.max(0, epochMs), Date.UTC(9999, 11, 31));
}
