import { type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import {
  attachmentName,
  expiresAt,
  fromBlockItem,
  isDueEvaluation,
  openWorkKey,
  optionalInfoAttributes,
  type TraceItemOptions,
} from '../contracts/trace-item.ts';
import type { TraceRemover } from '../domain/ports.ts';
import type { BlockRef } from '../domain/trace.ts';
import { batchDelete, batchGet } from './dynamo-batch.ts';
import { isApplied } from './dynamo-conditional.ts';
import { queryItems } from './dynamo-query.ts';

/** A tombstone outlives every message that could bring its spans again: 4 days in a queue and 14 among its dead letters. */
const tombstoneDays = 21;

/** What a tombstone says no more. Without `facts` an item is no trace; without `revision` no writer's condition holds. */
const forgotten = [
  ...optionalInfoAttributes.filter((name) => name !== 'openWorkPk' && name !== 'dueAt'),
  'facts',
  'revision',
  'timePk',
  'timeSk',
  'unsettledUntil',
  'assessmentIds',
];

/** Deletion in the traces table: `info` becomes a tombstone, everything beside it goes. */
export function dynamoTraceRemover(client: DynamoDBClient, table: string, options: TraceItemOptions): TraceRemover {
  const infoKey = (traceId: string) => marshall({ pk: traceId, sk: 'info' });

  const itemsOf = (traceId: string) => queryItems(client, { table, pk: traceId, consistent: true });

  return {
    bury(traceId, { now, dueAt }) {
      return isApplied(
        client.send(
          new UpdateItemCommand({
            TableName: table,
            Key: infoKey(traceId),
            UpdateExpression: `SET deletedAt = :now, expiresAt = :expires, openWorkPk = :work, dueAt = :due REMOVE ${forgotten
              .map((name) => `#${name}`)
              .join(', ')}`,
            ConditionExpression: 'attribute_exists(facts)',
            ExpressionAttributeNames: Object.fromEntries(forgotten.map((name) => [`#${name}`, name])),
            ExpressionAttributeValues: marshall({
              ':now': now,
              ':expires': expiresAt(now, Math.max(options.retentionDays, tombstoneDays)),
              ':work': openWorkKey('trace', traceId),
              ':due': dueAt,
            }),
          }),
        ),
      );
    },

    async remains(traceId) {
      const items = await itemsOf(traceId);
      const tombstone = items.find(({ sk }) => sk === 'info');
      if (tombstone?.deletedAt === undefined || tombstone.blocks === undefined) return undefined;
      const beside = items.filter(({ block }) => block !== undefined).map((item) => fromBlockItem(item).block);
      return {
        experimentId: String(tombstone.experimentId),
        blocks: [...(tombstone.blocks as readonly BlockRef[]), ...beside],
        attachments: items.flatMap(({ sk }) => attachmentName(String(sk)) ?? []),
      };
    },

    async clear(traceId) {
      // A held evaluation stays until it is tried: the pause of its scorer may wait for it.
      const beside = (await itemsOf(traceId)).filter((item) => item.sk !== 'info' && !isDueEvaluation(item));
      const keys = beside.map(({ pk, sk }) => marshall({ pk, sk }));
      await batchDelete(client, { table, keys });
      // Last: while the blocks stand here the deletion is not finished.
      await isApplied(
        client.send(
          new UpdateItemCommand({
            TableName: table,
            Key: infoKey(traceId),
            UpdateExpression: 'REMOVE blocks, openWorkPk, dueAt',
            ConditionExpression: 'attribute_exists(deletedAt)',
          }),
        ),
      );
    },

    async deletedAmong(traceIds) {
      const keys = traceIds.map(infoKey);
      const items = keys.length > 0 ? await batchGet(client, { table, keys, consistent: true }) : [];
      return new Set(items.filter(({ deletedAt }) => deletedAt !== undefined).flatMap(({ pk }) => pk?.S ?? []));
    },
  };
}
