import { ApiError } from './api-error.ts';
import type { TraceReader, TraceRecord } from './ports.ts';
import { blocksOf, type ReadBlocksDeps, readBlocks } from './read-blocks.ts';
import type { TraceInfo } from './trace.ts';

export interface ReadTraceDeps extends ReadBlocksDeps {
  readonly index: Pick<TraceReader, 'readTrace'>;
  readonly sleep: (ms: number) => Promise<unknown>;
}

export interface WholeTrace extends TraceRecord {
  /** Its spans, each once, as OTLP TracesData. */
  readonly tracesData: Uint8Array;
}

/** Waits before reading again, ms: spans are usually a second or two behind the client's word that the trace has ended. */
const waits = [150, 250, 400, 600, 800, 1_000, 1_000];

/** The trace. @throws ApiError as MLflow's where there is none (any more). */
export async function existingTrace(traceId: string, index: Pick<TraceReader, 'getInfos'>): Promise<TraceInfo> {
  const info = (await index.getInfos([traceId])).get(traceId);
  if (!info) throw traceNotFound(traceId);
  return info;
}

export function traceNotFound(traceId: string): ApiError {
  return new ApiError('RESOURCE_DOES_NOT_EXIST', `Trace with ID '${traceId}' not found.`);
}

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
    const tracesData = deps.codec.merge(await readBlocks(blocksOf(record), deps));
    const isWhole = !mayLack || deps.codec.decode(tracesData).length >= (record.info.explicit?.spanCount ?? 0);
    if (isWhole || wait === undefined) return { ...record, tracesData };
    await deps.sleep(wait);
  }
}
