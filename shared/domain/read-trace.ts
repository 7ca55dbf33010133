import type { SegmentStore, TraceCodec, TraceReader, TraceRecord } from './ports.ts';

export interface ReadTraceDeps {
  readonly index: Pick<TraceReader, 'readTrace'>;
  readonly segments: Pick<SegmentStore, 'readBlock'>;
  readonly codec: Pick<TraceCodec, 'decode' | 'merge' | 'decompress'>;
  readonly sleep: (ms: number) => Promise<unknown>;
}

export interface WholeTrace extends TraceRecord {
  /** Its spans, each once, as OTLP TracesData. */
  readonly tracesData: Uint8Array;
}

/** Waits before reading again, ms: spans are usually a second or two behind the client's word that the trace has ended. */
const waits = [150, 250, 400, 600, 800, 1_000, 1_000];

/**
 * A trace with its spans; undefined where there is none. Where its client counted more spans than are here, some are still in the queue:
 * waits for them a while, then answers what there is.
 */
export async function readWholeTrace(
  traceId: string,
  { waitsForSpans }: { waitsForSpans: boolean },
  deps: ReadTraceDeps,
): Promise<WholeTrace | undefined> {
  for (let attempt = 0; ; attempt++) {
    const record = await deps.index.readTrace(traceId);
    if (record === undefined) return undefined;
    const wait = waitsForSpans ? waits[attempt] : undefined;
    // A settled trace knows its spans without reading them.
    const mayLack = record.info.facts.spanCount < (record.info.explicit?.spanCount ?? 0);
    if (mayLack && record.unmerged.length === 0 && wait !== undefined) {
      await deps.sleep(wait);
      continue;
    }
    const tracesData = await joinBlocks(record, deps);
    const isWhole = !mayLack || deps.codec.decode(tracesData).length >= (record.info.explicit?.spanCount ?? 0);
    if (isWhole || wait === undefined) return { ...record, tracesData };
    await deps.sleep(wait);
  }
}

/** The spans of a trace, each once, as OTLP TracesData: those of blocks that are not merged yet included. */
export async function joinBlocks(
  { info, unmerged }: Pick<TraceRecord, 'info' | 'unmerged'>,
  { segments, codec }: Pick<ReadTraceDeps, 'segments' | 'codec'>,
): Promise<Uint8Array> {
  const refs = [...info.blocks, ...unmerged.map(({ block }) => block)];
  const blocks = await Promise.all(refs.map(async (ref) => codec.decompress(await segments.readBlock(ref))));
  return codec.merge(blocks);
}
