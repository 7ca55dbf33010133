import { type DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { dayOf, timePartitionKey, timePrefix, timeShards } from '../contracts/trace-item.ts';
import type { DayPartition, TraceSlices } from '../domain/backfilling/ports.ts';
import { daysOf } from './dynamo-days.ts';

/** The index `by-time` of the traces table, partition by partition. Positions are `<13-digit ms>#<trace id>`. */
export function dynamoTraceSlices(client: DynamoDBClient, table: string): TraceSlices {
  /** Behind `after`: BETWEEN includes its bounds, and nothing lies between a position and itself with a character more. */
  const query = ({ experimentId, day, shard, after, upTo }: DayPartition, Limit: number) => ({
    TableName: table,
    IndexName: 'by-time',
    KeyConditionExpression: 'timePk = :pk AND timeSk BETWEEN :after AND :upTo',
    ExpressionAttributeValues: marshall({
      ':pk': timePartitionKey(experimentId, day, shard),
      ':after': `${after}\0`,
      ':upTo': upTo,
    }),
    Limit,
  });

  return {
    shards: timeShards,

    // `~` sorts behind every trace id of a millisecond.
    enclosing: ({ from, to }) => ({ after: timePrefix(from), upTo: `${timePrefix(to)}~` }),

    async days(experimentId, { after, upTo }) {
      const [first, last] = [dayOfPosition(after), dayOfPosition(upTo)];
      return (await daysOf(client, { table, experimentId })).filter((day) => day >= first && day <= last);
    },

    async count(partition, limit) {
      if (partition.upTo <= partition.after) return { traces: 0 };
      const command = new QueryCommand({ ...query(partition, limit), Select: 'COUNT' });
      const { Count = 0, LastEvaluatedKey } = await client.send(command);
      const last = LastEvaluatedKey?.timeSk?.S;
      return { traces: Count, ...(last !== undefined && { last }) };
    },

    async read(partition, limit) {
      if (partition.upTo <= partition.after) return [];
      const { Items = [] } = await client.send(new QueryCommand(query(partition, limit)));
      return Items.map(({ pk, timeSk }) => ({ traceId: pk?.S ?? '', position: timeSk?.S ?? '' }));
    },
  };
}

function dayOfPosition(position: string): string {
  return dayOf(Number(position.slice(0, 13)));
}
