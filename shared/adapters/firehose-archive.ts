import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FirehoseClient, PutRecordBatchCommand } from '@aws-sdk/client-firehose';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { assessmentRow, deletedTraceRow, rowText, spanRow, traceRow } from '../contracts/archive-rows.ts';
import type { AssessmentArchive, Clock, DeletionArchive, TraceArchive } from '../domain/ports.ts';
import { joinedCalls } from './joined-calls.ts';

/** Firehose takes 1,000 KiB a record, 500 records and 4 MiB a call (API reference, PutRecordBatch). */
const maxRecordBytes = 1_000 * 1024;
const maxCallRecords = 500;
const maxCallBytes = 4 * 1024 * 1024;
const attempts = 4;

/** A value above this size is what is moved out of a row that is too large for a record. */
const largeValueBytes = 32 * 1024;

export interface ArchiveOptions {
  readonly streams: { readonly traces: string; readonly spans: string };
  /** Where values go that no record can carry. */
  readonly valueStore: { readonly s3: S3Client; readonly bucket: string };
  readonly now: Clock;
}

export function firehoseTraceArchive(
  client: FirehoseClient,
  { streams, valueStore, now }: ArchiveOptions,
): TraceArchive {
  return {
    async addTraces(infos) {
      const archivedAt = now();
      await send(client, { stream: streams.traces, rows: infos.map((info) => rowText(traceRow(info, archivedAt))) });
    },

    async addSpans(spans) {
      const rows = spans.map((span) => fitted(spanRow(span), valueStore));
      await send(client, { stream: streams.spans, rows: await Promise.all(rows) });
    },
  };
}

export function firehoseDeletionArchive(
  client: FirehoseClient,
  { stream, now }: { stream: string; now: Clock },
): DeletionArchive {
  return {
    async addDeleted(traces) {
      const deletedAt = now();
      await send(client, { stream, rows: traces.map((trace) => rowText(deletedTraceRow(trace, deletedAt))) });
    },
  };
}

export function firehoseAssessmentArchive(
  client: FirehoseClient,
  { stream, now }: { stream: string; now: Clock },
): AssessmentArchive {
  // Of traces that are judged side by side: fewer records, each of which is billed as 5 KB at least.
  const sendAll = joinedCalls(async (rows: readonly string[]) => {
    await send(client, { stream, rows });
    return [];
  });
  return {
    async addAssessments(assessments) {
      const archivedAt = now();
      await sendAll(assessments.map((assessment) => rowText(assessmentRow(assessment, archivedAt))));
    },
  };
}

/** The row's text; large values of a row that fits no record lie in an object of their own, and the row says where. */
async function fitted(row: ReturnType<typeof spanRow>, store: ArchiveOptions['valueStore']): Promise<string> {
  const text = rowText(row);
  // A UTF-16 unit is at most three bytes: most rows need no count.
  if (text.length * 3 <= maxRecordBytes || Buffer.byteLength(text) <= maxRecordBytes) return text;
  const entries = await Promise.all(
    Object.entries(row).map(async ([name, value]) => [name, await movedOut(value, store)] as const),
  );
  return rowText(Object.fromEntries(entries));
}

async function movedOut(value: unknown, { s3, bucket }: ArchiveOptions['valueStore']): Promise<unknown> {
  if (typeof value !== 'string' || Buffer.byteLength(value) <= largeValueBytes) return value;
  const Key = `values/${createHash('sha256').update(value).digest('hex')}`;
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: value, ContentType: 'text/plain; charset=utf-8' }));
  return JSON.stringify({ 'assay.value': `s3://${bucket}/${Key}`, bytes: Buffer.byteLength(value) });
}

/** Sends rows in as few records as they fit in: Firehose bills each record as a multiple of 5 KB. */
async function send(
  client: FirehoseClient,
  { stream, rows }: { stream: string; rows: readonly string[] },
): Promise<void> {
  await Promise.all(toCalls(toRecords(rows)).map((records) => putRecords(client, { stream, records })));
}

/** JSON documents back to back, without separators: the form that record conversion documents for several rows a record. */
function toRecords(rows: readonly string[]): readonly Buffer[] {
  const records: Buffer[] = [];
  let pending: Buffer[] = [];
  let size = 0;
  for (const row of rows) {
    const bytes = Buffer.from(row);
    if (size + bytes.length > maxRecordBytes && size > 0) {
      records.push(Buffer.concat(pending));
      pending = [];
      size = 0;
    }
    pending.push(bytes);
    size += bytes.length;
  }
  return size > 0 ? [...records, Buffer.concat(pending)] : records;
}

function toCalls(records: readonly Buffer[]): readonly (readonly Buffer[])[] {
  const calls: Buffer[][] = [];
  let size = 0;
  for (const record of records) {
    const call = calls.at(-1);
    if (call === undefined || call.length === maxCallRecords || size + record.length > maxCallBytes) {
      calls.push([record]);
      size = record.length;
    } else {
      call.push(record);
      size += record.length;
    }
  }
  return calls;
}

/** A 200 may hold failed records: those alone are sent again, a few times, then the whole batch is left to its queue. */
async function putRecords(
  client: FirehoseClient,
  { stream, records }: { stream: string; records: readonly Buffer[] },
): Promise<void> {
  let remaining = records;
  for (let attempt = 1; ; attempt++) {
    const { FailedPutCount = 0, RequestResponses = [] } = await client.send(
      new PutRecordBatchCommand({ DeliveryStreamName: stream, Records: remaining.map((Data) => ({ Data })) }),
    );
    if (FailedPutCount === 0) return;
    remaining = remaining.filter((_, i) => RequestResponses[i]?.ErrorCode !== undefined);
    if (attempt === attempts) {
      const code = RequestResponses.find(({ ErrorCode }) => ErrorCode !== undefined)?.ErrorCode;
      throw new Error(`stream ${stream} refused ${remaining.length} records ${attempts} times: ${code}`);
    }
    await sleep(100 * 2 ** attempt);
  }
}
