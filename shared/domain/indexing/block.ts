import { createHash } from 'node:crypto';
import { deriveSpanFacts } from '../facts/derive-span-facts.ts';
import type { TraceCodec } from '../ports.ts';
import type { ScorableSpan } from '../scorable-trace.ts';
import type { BlockRef } from '../trace.ts';

/** A block before it lies in a segment. */
export interface NewBlock {
  readonly traceId: string;
  readonly experimentId: string;
  /** Epoch ms. */
  readonly arrivedAt: number;
  readonly hash: string;
  readonly compressed: Uint8Array;
  /** The spans in it, each id once. */
  readonly spans: readonly BlockSpan[];
}

export interface BlockSpan extends ScorableSpan {
  /** On the wire. */
  readonly sizeBytes: number;
}

/** Names a block by its content: the same spans in the same bytes are the same block, whoever delivers them. */
function blockHash(tracesData: Uint8Array): string {
  return createHash('sha256').update(tracesData).digest('hex').slice(0, 32);
}

/** Decodes the spans of one block; a span id that comes twice in it counts once, as in a merge. */
export function readSpans(tracesData: Uint8Array, codec: Pick<TraceCodec, 'decode' | 'merge'>): readonly BlockSpan[] {
  const decoded = codec.decode(tracesData);
  const distinct = new Set(decoded.map(({ span }) => span.spanId)).size === decoded.length;
  const spans = distinct ? decoded : codec.decode(codec.merge([tracesData]));
  return spans.map(({ span, sizeBytes }) => ({ span, sizeBytes, facts: deriveSpanFacts(span) }));
}

export function newBlock(
  arrived: { traceId: string; tracesData: Uint8Array; experimentId: string; arrivedAt: number },
  codec: TraceCodec,
): NewBlock {
  const { tracesData, ...rest } = arrived;
  return {
    ...rest,
    hash: blockHash(tracesData),
    compressed: codec.compress(tracesData),
    spans: readSpans(tracesData, codec),
  };
}

/** One segment object and where in it each block lies, by the block's hash. */
export interface Segment {
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly refs: ReadonlyMap<string, BlockRef>;
}

/**
 * Lays blocks of one experiment back to back. The key is the hash of the content: whatever is written under a key is always
 * the same bytes, so no reference can ever point into something else. What was restored out of the archive lies apart: it expires by
 * a clock of its own.
 */
export function packSegment(
  experimentId: string,
  blocks: readonly NewBlock[],
  folder: 'segments' | 'restored' = 'segments',
): Segment {
  const bytes = Buffer.concat(blocks.map((block) => block.compressed));
  const day = new Date(Math.min(...blocks.map((block) => block.arrivedAt))).toISOString().slice(0, 10);
  const key = `${folder}/${experimentId}/${day}/${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}`;
  const refs = new Map<string, BlockRef>();
  let offset = 0;
  for (const { hash, compressed } of blocks) {
    refs.set(hash, { hash, key, offset, length: compressed.length });
    offset += compressed.length;
  }
  return { key, bytes, refs };
}
