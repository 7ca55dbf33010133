import type { TraceReader } from './ports.ts';
import { blocksOf, type ReadBlocksDeps, readBlockSpans } from './read-blocks.ts';
import type { ScorableSpan } from './scorable-trace.ts';
import type { BlockRef, TraceInfo } from './trace.ts';

interface SpansDeps extends ReadBlocksDeps {
  readonly index: Pick<TraceReader, 'readTrace'>;
}

/**
 * The spans of a trace, those included that have arrived and are not merged yet: the facts follow within seconds, but who has just
 * sent a trace asks at once.
 */
export async function spansOf(info: TraceInfo, deps: SpansDeps): Promise<readonly ScorableSpan[]> {
  return readBlockSpans(isSettled(info) ? info.blocks : await allBlocks(info, deps.index), deps);
}

/** Whether the facts are those of all spans. */
export function isSettled({ dueAt }: TraceInfo): boolean {
  return dueAt === undefined;
}

async function allBlocks({ traceId }: TraceInfo, index: Pick<TraceReader, 'readTrace'>): Promise<readonly BlockRef[]> {
  const record = await index.readTrace(traceId);
  return record ? blocksOf(record) : [];
}
