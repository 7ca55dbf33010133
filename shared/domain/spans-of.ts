import { readSpans } from './indexing/block.ts';
import type { SegmentStore, TraceCodec, TraceReader } from './ports.ts';
import type { ScorableSpan } from './scorable-trace.ts';
import type { BlockRef, TraceInfo } from './trace.ts';

interface SpansDeps {
  readonly index: Pick<TraceReader, 'readTrace'>;
  readonly segments: Pick<SegmentStore, 'readBlock'>;
  readonly codec: Pick<TraceCodec, 'decode' | 'merge' | 'decompress'>;
}

/**
 * The spans of a trace, those included that have arrived and are not merged yet: the facts follow within seconds, but who has just
 * sent a trace asks at once.
 */
export async function spansOf(
  info: TraceInfo,
  { index, segments, codec }: SpansDeps,
): Promise<readonly ScorableSpan[]> {
  const refs = isSettled(info) ? info.blocks : await allBlocks(info, index);
  if (refs.length === 0) return [];
  const blocks = await Promise.all(refs.map(async (ref) => codec.decompress(await segments.readBlock(ref))));
  return readSpans(codec.merge(blocks), codec);
}

/** Whether the facts are those of all spans. */
export function isSettled({ dueAt }: TraceInfo): boolean {
  return dueAt === undefined;
}

async function allBlocks({ traceId }: TraceInfo, index: Pick<TraceReader, 'readTrace'>): Promise<readonly BlockRef[]> {
  const record = await index.readTrace(traceId);
  return record ? [...record.info.blocks, ...record.unmerged.map(({ block }) => block)] : [];
}
