import { type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { blockSortKey, openWorkKey, type TraceItemOptions, toBlockItem, toInfoItem } from '../contracts/trace-item.ts';
import type { TraceBlock, TraceIndex } from '../domain/ports.ts';
import { batchGet, batchWrite } from './dynamo-batch.ts';
import { isApplied } from './dynamo-conditional.ts';
import { dayAnnouncer } from './dynamo-days.ts';
import { infoUpdate, settleGraceMs } from './dynamo-info-item.ts';
import { insertNew } from './dynamo-insert-new.ts';
import { dynamoTraceReader } from './dynamo-trace-reader.ts';

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
      return insertNew(client, { table, items: infos.map((info) => toItem(toInfoItem(info, options))) });
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
              'attribute_exists(facts) AND (attribute_not_exists(unsettledUntil) OR unsettledUntil <= :now)',
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
          new UpdateItemCommand(
            infoUpdate(table, toInfoItem(info, options), {
              condition: 'revision = :expected AND attribute_not_exists(unsettledUntil)',
              values: { ':expected': expectedRevision },
            }),
          ),
        ),
      );
    },
  };
}
