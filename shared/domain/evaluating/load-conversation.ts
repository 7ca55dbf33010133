import { toScorableTrace } from '../facts/scorable.ts';
import { valuesOf } from '../in-parallel.ts';
import type { BlockSpan } from '../indexing/block.ts';
import type { TraceReader } from '../ports.ts';
import { blocksOf, type ReadBlocksDeps, readBlockSpans } from '../read-blocks.ts';
import type { ScorableTrace } from '../scorable-trace.ts';
import type { TraceInfo } from '../trace.ts';

export interface LoadConversationDeps extends ReadBlocksDeps {
  readonly index: Pick<TraceReader, 'readTrace'>;
}

/** Traces that are read at once, and bytes of them as they are stored, compressed, unless it is one. */
const [readsAtOnce, bytesAtOnce] = [8, 2 * 1024 * 1024];

/**
 * Bytes of spans on the wire; decoded they take a few times as much, and some sessions are judged at once in a gigabyte. Behind the first
 * limit a trace keeps what a conversation is made of, behind the second one it is left out.
 */
const [wholeBytes, keptBytes] = [8 * 1024 * 1024, 24 * 1024 * 1024];

interface Loaded {
  readonly trace: ScorableTrace;
  readonly sizeOf: ReadonlyMap<string, number>;
}

/**
 * The traces with their spans, in the order of time; those that have been deleted meanwhile are not there. The first one and the newest
 * are loaded first: what is too much is left out of the middle.
 */
export async function loadConversation(
  infos: readonly TraceInfo[],
  deps: LoadConversationDeps,
): Promise<{ readonly traces: readonly ScorableTrace[]; readonly leftOut: number }> {
  const [first, ...others] = infos;
  const byImportance = first ? [first, ...others.toReversed()] : [];
  const kept = new Map<string, ScorableTrace>();
  let bytes = 0;
  for (const batch of batches(byImportance)) {
    if (bytes >= keptBytes) break;
    const loaded = valuesOf(await Promise.allSettled(batch.map((info) => loadTrace(info, deps))));
    for (const one of loaded) {
      if (one === undefined) continue;
      const trace = bytes + sizeOf(one.trace, one) <= wholeBytes ? one.trace : essence(one.trace);
      bytes += sizeOf(trace, one);
      if (bytes <= keptBytes || kept.size === 0) kept.set(trace.traceId, trace);
    }
  }
  const traces = infos.flatMap(({ traceId }) => kept.get(traceId) ?? []);
  return { traces, leftOut: infos.length - traces.length };
}

function batches(infos: readonly TraceInfo[]): readonly (readonly TraceInfo[])[] {
  const found: TraceInfo[][] = [];
  let bytes = 0;
  for (const info of infos) {
    const size = info.blocks.reduce((sum, { length }) => sum + length, 0);
    const batch = found.at(-1);
    bytes += size;
    if (batch && batch.length < readsAtOnce && bytes <= bytesAtOnce) {
      batch.push(info);
    } else {
      found.push([info]);
      bytes = size;
    }
  }
  return found;
}

async function loadTrace(info: TraceInfo, deps: LoadConversationDeps): Promise<Loaded | undefined> {
  const record = await deps.index.readTrace(info.traceId);
  if (record === undefined) return undefined;
  const spans = await readBlockSpans(blocksOf(record), deps);
  return {
    trace: toScorableTrace({ info: record.info, spans, assessments: record.assessments }),
    sizeOf: new Map(spans.map(({ span, sizeBytes }: BlockSpan) => [span.spanId, sizeBytes])),
  };
}

function sizeOf({ spans }: ScorableTrace, { sizeOf: sizes }: Loaded): number {
  return spans.reduce((sum, { span }) => sum + (sizes.get(span.spanId) ?? 0), 0);
}

/** Inputs and outputs, which are of the root, and the calls of tools; facts stay those of the whole trace. */
function essence(trace: ScorableTrace): ScorableTrace {
  const spans = trace.spans.filter(({ span, facts }) => span.parentSpanId === undefined || facts.type === 'TOOL');
  return { ...trace, spans };
}
