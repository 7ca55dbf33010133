import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import {
  type ArrivalMessage,
  arrivalMessage,
  type SettleMessage,
  type SpansMessage,
} from '../../shared/contracts/arrival-message.ts';
import { openArrival } from '../../shared/contracts/otlp/open-arrival.ts';
import { type NewBlock, newBlock } from '../../shared/domain/indexing/block.ts';
import { indexArrivals } from '../../shared/domain/indexing/index-arrivals.ts';
import { type SettleTracesDeps, settleTraces } from '../../shared/domain/indexing/settle-traces.ts';
import type { Inbox } from '../../shared/domain/ports.ts';
import type { BatchLogger } from '../../shared/runtime/logger.ts';

export interface IndexTracesDeps extends SettleTracesDeps {
  readonly inbox: Pick<Inbox, 'get'>;
  readonly logger: BatchLogger;
}

/** So many bytes of spans are held at once: 1 GB of memory holds them decoded, whatever a batch unpacks to. */
const groupBytes = 16 * 1024 * 1024;

type Item<M> = { readonly messageId: string; readonly message: M };

/** Indexes what arrived and settles what is due; a message that fails is reported by itself. */
export function createHandler(deps: IndexTracesDeps): (event: SQSEvent) => Promise<SQSBatchResponse> {
  return async ({ Records }) => {
    const failed = new Map<string, unknown>();
    const items = Records.flatMap((record) => parse(record, failed));
    await indexAll(items.filter(isOfSpans), failed, deps);
    await settleAll(items.filter(isOfSettling), failed, deps);
    for (const [messageId, error] of failed) deps.logger.error('message failed', { messageId, error });
    return { batchItemFailures: [...failed.keys()].map((itemIdentifier) => ({ itemIdentifier })) };
  };
}

function parse({ messageId, body }: SQSRecord, failed: Map<string, unknown>): readonly Item<ArrivalMessage>[] {
  try {
    return [{ messageId, message: arrivalMessage.parse(JSON.parse(body)) }];
  } catch (error) {
    failed.set(messageId, error);
    return [];
  }
}

function isOfSpans(item: Item<ArrivalMessage>): item is Item<SpansMessage> {
  return item.message.kind === 'spans';
}

function isOfSettling(item: Item<ArrivalMessage>): item is Item<SettleMessage> {
  return item.message.kind === 'settle';
}

type Opened = { readonly messageId: string; readonly blocks: readonly NewBlock[]; readonly bytes: number };

async function indexAll(
  items: readonly Item<SpansMessage>[],
  failed: Map<string, unknown>,
  deps: IndexTracesDeps,
): Promise<void> {
  let group: Opened[] = [];
  let bytes = 0;
  for (const item of items) {
    const opened = await open(item, deps).catch((error: unknown) => {
      failed.set(item.messageId, error);
    });
    if (opened === undefined) continue;
    group.push(opened);
    bytes += opened.bytes;
    if (bytes < groupBytes) continue;
    await indexGroup(group, failed, deps);
    group = [];
    bytes = 0;
  }
  await indexGroup(group, failed, deps);
}

async function open({ messageId, message }: Item<SpansMessage>, deps: IndexTracesDeps): Promise<Opened> {
  const { experimentId, receivedAt: arrivedAt, traces } = await openArrival(message, deps.inbox);
  const blocks = traces.map((trace) => newBlock({ ...trace, experimentId, arrivedAt }, deps.codec));
  return { messageId, blocks, bytes: traces.reduce((sum, { tracesData }) => sum + tracesData.length, 0) };
}

/** Indexes together; where that fails, one by one, so that a message that poisons the batch harms itself only. */
async function indexGroup(
  group: readonly Opened[],
  failed: Map<string, unknown>,
  deps: IndexTracesDeps,
): Promise<void> {
  if (group.length === 0) return;
  try {
    await indexArrivals(
      group.flatMap(({ blocks }) => blocks),
      deps,
    );
  } catch (error) {
    const [only] = group;
    if (group.length === 1 && only) failed.set(only.messageId, error);
    else for (const member of group) await indexGroup([member], failed, deps);
  }
}

async function settleAll(
  items: readonly Item<SettleMessage>[],
  failed: Map<string, unknown>,
  deps: IndexTracesDeps,
): Promise<void> {
  const byTrace = [...Map.groupBy(items, ({ message }) => message.traceId)];
  const results = await settleTraces(
    byTrace.map(([traceId]) => traceId),
    deps,
  ).catch((reason: unknown) => byTrace.map(() => ({ status: 'rejected' as const, reason })));
  byTrace.forEach(([, group], i) => {
    const result = results[i];
    if (result?.status === 'rejected') for (const { messageId } of group) failed.set(messageId, result.reason);
  });
}
