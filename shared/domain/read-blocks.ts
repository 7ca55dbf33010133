import { type BlockSpan, readSpans } from './indexing/block.ts';
import type { SegmentStore, TraceCodec, TraceRecord } from './ports.ts';
import type { BlockRef } from './trace.ts';

export interface ReadBlocksDeps {
  readonly segments: Pick<SegmentStore, 'readBlock'>;
  readonly codec: Pick<TraceCodec, 'decode' | 'merge' | 'decompress'>;
}

/** The blocks that hold the spans of a trace, those that are not merged yet included. */
export function blocksOf({ info, unmerged }: Pick<TraceRecord, 'info' | 'unmerged'>): readonly BlockRef[] {
  return [...info.blocks, ...unmerged.map(({ block }) => block)];
}

/** What blocks hold, in their order, each as OTLP TracesData. */
export function readBlocks(
  blocks: readonly BlockRef[],
  { segments, codec }: ReadBlocksDeps,
): Promise<readonly Uint8Array[]> {
  return Promise.all(blocks.map(async (block) => codec.decompress(await segments.readBlock(block))));
}

/** The spans in blocks of one trace, each once. */
export async function readBlockSpans(blocks: readonly BlockRef[], deps: ReadBlocksDeps): Promise<readonly BlockSpan[]> {
  const [first, ...more] = await readBlocks(blocks, deps);
  if (first === undefined) return [];
  return readSpans(more.length === 0 ? first : deps.codec.merge([first, ...more]), deps.codec);
}
