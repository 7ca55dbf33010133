import { gunzipSync } from 'node:zlib';
import { marshall } from '@aws-sdk/util-dynamodb';
import { createHandler } from '../../functions/index-traces/create-handler.ts';
import { otlpTraceCodec } from '../../shared/adapters/otlp-trace-codec.ts';
import { rowText, spanRow, traceRow } from '../../shared/contracts/archive-rows.ts';
import type { SpansMessage } from '../../shared/contracts/arrival-message.ts';
import { walkTracesRequest } from '../../shared/contracts/otlp/walk-request.ts';
import { toInfoItem } from '../../shared/contracts/trace-item.ts';
import { defaultSettings } from '../../shared/domain/experiment.ts';
import type { Workload } from './workloads.ts';

/** CPU ms a trace that receiving and indexing take by themselves: all but the AWS SDK and its calls. */
export interface OwnWork {
  readonly receive: number;
  readonly index: number;
}

const passes = 6;
const messagesPerBatch = 100;

/**
 * Runs the same code with ports that take what they are given, built as the adapters build it: items marshalled, rows as JSON text.
 * The least of several passes.
 */
export async function ownWork({ bodies, tracesPerRequest }: Workload): Promise<OwnWork> {
  const traces = bodies.length * tracesPerRequest;
  const events = indexEvents(bodies);
  const handler = indexHandler();
  const receive = await least(() => {
    for (const body of bodies) walkTracesRequest(gunzipSync(body));
  });
  const index = await least(async () => {
    for (const event of events) await handler(event as never);
  });
  return { receive: (receive * 1000) / traces, index: (index * 1000) / traces };
}

function indexEvents(bodies: readonly Buffer[]): readonly object[] {
  const messages = bodies.map(
    (body): SpansMessage => ({
      v: 1,
      kind: 'spans',
      experimentId: '0',
      receivedAt: Date.UTC(2026, 10, 21, 12),
      format: 'protobuf',
      encoding: 'gzip',
      body: body.toString('base64'),
    }),
  );
  const records = messages.map((message, i) => ({ messageId: String(i), body: JSON.stringify(message) }));
  return Array.from({ length: Math.ceil(records.length / messagesPerBatch) }, (_, i) => ({
    Records: records.slice(i * messagesPerBatch, (i + 1) * messagesPerBatch),
  }));
}

function indexHandler() {
  const rules = { experimentId: '0', version: 0, scorers: [], settings: defaultSettings };
  const nothing = async () => undefined;
  return createHandler({
    index: {
      foundTraces: async (infos) => {
        for (const info of infos) marshall(toInfoItem(info, { retentionDays: 30 }), { removeUndefinedValues: true });
        return infos.map(() => 'founded' as const);
      },
      getInfos: async () => new Map(),
      knownBlocks: async () => new Map(),
      addBlocks: nothing,
      markMerged: nothing,
      markUnsettled: async () => true,
      clearUnsettled: nothing,
      replaceInfo: async () => true,
      readTrace: async () => undefined,
    },
    segments: { put: nothing, erase: async () => {}, readBlock: async () => Buffer.alloc(0) },
    deletions: { addDeleted: nothing },
    remover: {
      bury: async () => true,
      remains: async () => undefined,
      clear: nothing,
      deletedAmong: async () => new Set(),
    },
    sessions: { note: nothing },
    attachments: { remove: nothing },
    inbox: { get: async () => Buffer.alloc(0) },
    rules: { current: async () => rules, version: async () => rules, replace: async () => false },
    archive: {
      addTraces: async (infos) => {
        for (const info of infos) rowText(traceRow(info, 0));
      },
      addSpans: async (spans) => {
        for (const span of spans) Buffer.from(rowText(spanRow(span)));
      },
    },
    settleQueue: { settle: nothing },
    evaluationQueue: { request: nothing },
    codec: otlpTraceCodec,
    now: () => Date.UTC(2026, 10, 21, 12),
    logger: {
      error: (_, { error }) => {
        throw error;
      },
    },
  });
}

/** CPU seconds of the fastest pass. */
async function least(run: () => void | Promise<void>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let pass = 0; pass < passes; pass++) {
    const before = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / 1e6);
  }
  return best;
}
