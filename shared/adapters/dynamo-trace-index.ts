import {
  type AttributeValue,
  BatchExecuteStatementCommand,
  type DynamoDBClient,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import {
  blockSortKey,
  dayOf,
  openWorkKey,
  type TraceItemOptions,
  toBlockItem,
  toDayItem,
  toInfoItem,
} from '../contracts/trace-item.ts';
import type { TraceBlock, TraceIndex } from '../domain/ports.ts';
import type { TraceInfo } from '../domain/trace.ts';
import { batchGet, batchWrite, chunk, type Item } from './dynamo-batch.ts';
import { isApplied } from './dynamo-conditional.ts';
import { dynamoTraceReader } from './dynamo-trace-reader.ts';

/** A mark that its settle message did not clear within this time is found by the sweep. */
const settleGraceMs = 20_000;

/** Days that one process remembers to have announced. */
const maxAnnounced = 10_000;

/** The traces table; see docs/architecture.md for its keys. */
export function dynamoTraceIndex(client: DynamoDBClient, table: string, options: TraceItemOptions): TraceIndex {
  const toItem = (item: Record<string, unknown>) => marshall(item, { removeUndefinedValues: true });
  const blockItem = (block: TraceBlock, more: { merged?: boolean; foreignExperimentId?: string } = {}) =>
    toItem(toBlockItem(block, { retentionDays: options.retentionDays, ...more }));

  const announceDays = dayAnnouncer(client, table, options);

  return {
    ...dynamoTraceReader(client, table),

    async foundTraces(infos) {
      await announceDays(infos);
      const items = infos.map((info) => toItem(toInfoItem(info, options)));
      const results = await Promise.all(chunk(items, 25).map((batch) => insertNew(client, { table, items: batch })));
      return results.flat();
    },

    async knownBlocks(blocks) {
      const keys = new Map(
        blocks.map(({ traceId, block }) => [`${traceId}/${block.hash}`, { pk: traceId, sk: blockSortKey(block.hash) }]),
      );
      const items = await batchGet(client, {
        table,
        keys: [...keys.values()].map((key) => marshall(key)),
        consistent: true,
      });
      return new Map(
        items.map((item) => [item.block?.M?.hash?.S ?? '', item.merged?.BOOL ? 'merged' : 'unmerged'] as const),
      );
    },

    async addBlocks(blocks, owner) {
      await batchWrite(client, { table, puts: blocks.map((block) => blockItem(block, owner)) });
    },

    async markMerged(blocks) {
      await batchWrite(client, { table, puts: blocks.map((block) => blockItem(block, { merged: true })) });
    },

    async markUnsettled(traceId, { now, dueAt }) {
      return isApplied(
        client.send(
          new UpdateItemCommand({
            TableName: table,
            Key: marshall({ pk: traceId, sk: 'info' }),
            UpdateExpression: 'SET unsettledUntil = :due, openWorkPk = :work, dueAt = :sweep',
            ConditionExpression:
              'attribute_exists(pk) AND (attribute_not_exists(unsettledUntil) OR unsettledUntil <= :now)',
            ExpressionAttributeValues: marshall({
              ':due': dueAt,
              ':now': now,
              ':work': openWorkKey('trace', traceId),
              ':sweep': dueAt + settleGraceMs,
            }),
          }),
        ),
      );
    },

    async clearUnsettled(traceId) {
      await isApplied(
        client.send(
          new UpdateItemCommand({
            TableName: table,
            Key: marshall({ pk: traceId, sk: 'info' }),
            UpdateExpression: 'REMOVE unsettledUntil',
            ConditionExpression: 'attribute_exists(pk)',
          }),
        ),
      );
    },

    async replaceInfo(info, expectedRevision) {
      await announceDays([info]);
      return isApplied(
        client.send(
          new PutItemCommand({
            TableName: table,
            Item: toItem(toInfoItem(info, options)),
            ConditionExpression: 'revision = :expected AND attribute_not_exists(unsettledUntil)',
            ExpressionAttributeValues: marshall({ ':expected': expectedRevision }),
          }),
        ),
      );
    },
  };
}

/**
 * Inserts up to 25 items that are not there yet, in one call. PartiQL's INSERT refuses an existing key with DuplicateItem, which
 * is the condition that BatchWriteItem cannot carry; a PutItem each would cost ten times the CPU for the same write units.
 * Source: DynamoDB developer guide, "PartiQL insert statements" and "Running batch operations with PartiQL".
 */
async function insertNew(
  client: DynamoDBClient,
  { table, items }: { table: string; items: readonly Record<string, AttributeValue>[] },
): Promise<readonly ('founded' | 'exists')[]> {
  const Statements = items.map((item) => {
    const names = Object.keys(item);
    return {
      Statement: `INSERT INTO "${table}" VALUE {${names.map((name) => `'${name}': ?`).join(', ')}}`,
      Parameters: Object.values(item),
    };
  });
  const { Responses = [] } = await client.send(new BatchExecuteStatementCommand({ Statements }));
  return items.map((item, i) => {
    const error = Responses[i]?.Error;
    if (error === undefined) return 'founded';
    if (error.Code === 'DuplicateItem') return 'exists';
    throw new Error(`inserting ${item.pk?.S}: ${error.Code}: ${error.Message}`);
  });
}

/** Writes that an experiment has traces of a day before the first of them can be looked for; once a process, and again each day. */
function dayAnnouncer(client: DynamoDBClient, table: string, options: TraceItemOptions) {
  const announced = new Set<string>();
  return async (infos: readonly TraceInfo[]): Promise<void> => {
    const fresh = new Map<string, Item>();
    for (const { experimentId, facts, lastArrivalAt } of infos) {
      const day = dayOf(facts.requestTime);
      const key = `${experimentId}#${day}#${dayOf(lastArrivalAt)}`;
      if (!announced.has(key))
        fresh.set(key, marshall(toDayItem(experimentId, day, { ...options, now: lastArrivalAt })));
    }
    if (fresh.size === 0) return;
    await batchWrite(client, { table, puts: [...fresh.values()] });
    if (announced.size > maxAnnounced) announced.clear();
    for (const key of fresh.keys()) announced.add(key);
  };
}
