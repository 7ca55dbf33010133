import { type DynamoDBClient, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { openWorkKey, type TraceItemOptions, toAttachmentItem, toInfoItem } from '../contracts/trace-item.ts';
import type { SettleMark, TraceEditor } from '../domain/ports.ts';
import { batchWrite } from './dynamo-batch.ts';
import { ifApplied, isApplied } from './dynamo-conditional.ts';
import { dayAnnouncer } from './dynamo-days.ts';
import { infoUpdate, settleGraceMs } from './dynamo-info-item.ts';

/** What the API writes to the index of traces: what was said of them beside their spans. */
export function dynamoTraceEditor(client: DynamoDBClient, table: string, options: TraceItemOptions): TraceEditor {
  const announceDays = dayAnnouncer(client, table, options);

  return {
    async found(info, mark) {
      await announceDays([info]);
      const Item = marshall(
        { ...toInfoItem(info, options), ...markAttributes(info.traceId, mark) },
        { removeUndefinedValues: true },
      );
      return isApplied(
        client.send(new PutItemCommand({ TableName: table, Item, ConditionExpression: 'attribute_not_exists(pk)' })),
      );
    },

    async amend(info, { expectedRevision, mark }) {
      await announceDays([info]);
      const update = infoUpdate(table, toInfoItem(info, options), {
        condition: 'revision = :expected',
        values: { ':expected': expectedRevision },
        also: markAttributes(info.traceId, mark),
      });
      const written = await ifApplied(client.send(new UpdateItemCommand({ ...update, ReturnValues: 'UPDATED_OLD' })));
      if (written === undefined) return 'conflict';
      const markedUntil = Number(written.Attributes?.unsettledUntil?.N ?? 0);
      return markedUntil > mark.now ? 'amended' : 'marked';
    },

    async noteAttachment(attachment, now) {
      await batchWrite(client, { table, puts: [marshall(toAttachmentItem(attachment, { ...options, now }))] });
    },
  };
}

function markAttributes(traceId: string, { dueAt }: SettleMark): Record<string, unknown> {
  return { unsettledUntil: dueAt, openWorkPk: openWorkKey('trace', traceId), dueAt: dueAt + settleGraceMs };
}
