import type { Assessment } from '../../../../shared/domain/assessment.ts';
import type { RangeDeps } from '../../../../shared/domain/metrics/read-range.ts';
import type { Span } from '../../../../shared/domain/span.ts';
import type { TraceInfo } from '../../../../shared/domain/trace.ts';
import { aTraceBlock } from '../../../support/builders/a-trace-info.ts';

/** Traces in memory, and how often each port was asked. */
export interface Range {
  readonly deps: RangeDeps;
  readonly asked: { blocks: number; assessments: number };
}

/** Spans are the same for every trace, which has a block that is not merged yet, assessments for those that name some; `elapsed` is what the clock says at each look, ms. */
export function aRange(
  infos: readonly TraceInfo[],
  {
    spans = [],
    assessments = [],
    elapsed = () => 0,
  }: { spans?: readonly Span[]; assessments?: readonly Assessment[]; elapsed?: () => number } = {},
): Range {
  const asked = { blocks: 0, assessments: 0 };
  const byId = new Map(infos.map((info) => [info.traceId, info]));
  const found = infos
    .map(({ traceId, facts }) => ({ traceId, time: facts.requestTime, position: `${facts.requestTime}#${traceId}` }))
    .toSorted((a, b) => (a.position < b.position ? 1 : -1));
  const deps: RangeDeps = {
    search: {
      find: async ({ from, to, before, limit }) => {
        const start = before === undefined ? 0 : found.findIndex(({ position }) => position < before);
        const rest = start === -1 ? [] : found.slice(start);
        return rest.filter(({ time }) => time >= from && time <= to).slice(0, limit);
      },
    },
    index: {
      getInfos: async (ids) => new Map(ids.flatMap((id) => (byId.has(id) ? [[id, byId.get(id) as TraceInfo]] : []))),
      readTrace: async (traceId) => ({
        info: byId.get(traceId) as TraceInfo,
        unmerged: [aTraceBlock(traceId)],
        hasMerged: false,
        unsettled: true,
        foreignBlocks: [],
        outcomes: [],
        assessments: [],
      }),
    },
    segments: {
      readBlock: async () => {
        asked.blocks += 1;
        return Buffer.alloc(0);
      },
    },
    codec: {
      decompress: (block) => block,
      merge: () => Buffer.alloc(0),
      decode: () => spans.map((span) => ({ span, sizeBytes: 0 })),
    },
    assessments: {
      listAll: async (some) => {
        asked.assessments += some.length;
        return new Map(some.map(({ traceId }) => [traceId, assessments]));
      },
    },
    now: elapsed,
  };
  return { deps, asked };
}
