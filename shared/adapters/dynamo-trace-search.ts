import { type DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { dayOf, daysKey, timePartitionKey, timePrefix, timeShards } from '../contracts/trace-item.ts';
import type { FoundTrace, TimeQuery, TraceSearch } from '../domain/ports.ts';

/** The `by-time` index: for each experiment and day a few partitions, each in the order of time. */
export function dynamoTraceSearch(client: DynamoDBClient, table: string): TraceSearch {
  async function days(experimentId: string): Promise<readonly string[]> {
    const { Items = [] } = await client.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: marshall({ ':pk': daysKey(experimentId) }),
      }),
    );
    return Items.flatMap((item) => item.sk?.S ?? []);
  }

  /** Of one partition. Positions are `<13-digit ms>#<trace id>`: `~` sorts behind every trace id of a millisecond. */
  async function newestOf(partition: string, { from, to, before, limit }: TimeQuery): Promise<readonly FoundTrace[]> {
    const last = `${timePrefix(to)}~`;
    const upper = before !== undefined && before < last ? before : last;
    // DynamoDB refuses a range that ends before it starts.
    if (upper < timePrefix(from)) return [];
    const { Items = [] } = await client.send(
      new QueryCommand({
        TableName: table,
        IndexName: 'by-time',
        KeyConditionExpression: 'timePk = :pk AND timeSk BETWEEN :from AND :to',
        ExpressionAttributeValues: marshall({
          ':pk': partition,
          ':from': timePrefix(from),
          ':to': upper,
        }),
        ScanIndexForward: false,
        // One more: BETWEEN includes the position that was seen.
        Limit: limit + 1,
      }),
    );
    return Items.map((item) => ({ traceId: item.pk?.S ?? '', position: item.timeSk?.S ?? '' })).filter(
      ({ position }) => position !== before,
    );
  }

  async function newestOfDay(day: string, query: TimeQuery): Promise<readonly FoundTrace[]> {
    const shards = Array.from({ length: timeShards }, (_, shard) => shard);
    const partitions = query.experimentIds.flatMap((id) => shards.map((shard) => timePartitionKey(id, day, shard)));
    const found = (await Promise.all(partitions.map((partition) => newestOf(partition, query)))).flat();
    return found.toSorted((a, b) => (a.position > b.position ? -1 : 1)).slice(0, query.limit);
  }

  return {
    async newest(query) {
      const [from, to] = [dayOf(clamped(query.from)), dayOf(clamped(query.to))];
      const start =
        query.before === undefined ? to : dayOf(Math.min(clamped(query.to), Number(query.before.split('#')[0])));
      const known = new Set((await Promise.all(query.experimentIds.map(days))).flat());
      const visited = [...known]
        .filter((day) => day >= from && day <= start)
        .toSorted()
        .toReversed();
      const found: FoundTrace[] = [];
      for (const day of visited) {
        found.push(...(await newestOfDay(day, { ...query, limit: query.limit - found.length })));
        if (found.length >= query.limit) break;
      }
      return found;
    },
  };
}

/** Dates of four-digit years, which sort as text. */
function clamped(epochMs: number): number {
  return Math.min(Math.max(0, epochMs), Date.UTC(9999, 11, 31));
}
