import { chunk } from '../chunk.ts';
import type { FoundTrace } from '../ports.ts';
import type { Backfill, Slice } from './backfill.ts';
import type { TraceSlices } from './ports.ts';

/** Traces of a slice: a second or two of work, so that what dies has little to repeat. */
export const sliceSize = 1_000;

type Bounds = Pick<Slice, 'after' | 'upTo'>;

/**
 * Cuts a range into slices of at most about `size` traces. Their bounds are positions and together they enclose the whole range: each
 * trace lies in one slice, whenever it arrives. Traces are counted, not read: a slice costs one call. Without traces there are no slices.
 * Each partition is cut by itself, all side by side; within one the days are gone through as one line, so that thin days share a slice.
 */
export async function cutSlices(
  { experimentId, from, to }: { experimentId: string; from: number; to: number },
  { slices, size }: { slices: Pick<TraceSlices, 'shards' | 'enclosing' | 'days' | 'count'>; size: number },
): Promise<readonly Slice[]> {
  const bounds = slices.enclosing({ from, to });
  const days = await slices.days(experimentId, bounds);
  const shards = Array.from({ length: slices.shards }, (_, shard) => shard);
  const cut = await Promise.all(
    shards.map((shard) => cutShard({ experimentId, shard, days, bounds }, { slices, size })),
  );
  const all = cut.flat();
  if (all.every(({ traces }) => traces === 0)) return [];
  return all.map((slice, id) => ({ id, ...slice }));
}

async function cutShard(
  {
    experimentId,
    shard,
    days,
    bounds: { after, upTo },
  }: { experimentId: string; shard: number; days: readonly string[]; bounds: Bounds },
  { slices, size }: { slices: Pick<TraceSlices, 'count'>; size: number },
): Promise<readonly Omit<Slice, 'id'>[]> {
  const cut: Omit<Slice, 'id'>[] = [];
  let [start, traces] = [after, 0];
  for (const day of days) {
    let seen: string | undefined = start;
    while (seen !== undefined) {
      // A day may end just where the slice is full: then one trace more is counted to find where that is.
      const missing = Math.max(1, size - traces);
      const counted = await slices.count({ experimentId, shard, day, after: seen, upTo }, missing);
      traces += counted.traces;
      seen = counted.last;
      if (traces < size || seen === undefined) continue;
      cut.push({ shard, after: start, upTo: seen, traces });
      [start, traces] = [seen, 0];
    }
  }
  // What arrives later than this, behind the last trace, belongs to the last slice.
  return [...cut, { shard, after: start, upTo, traces }];
}

/**
 * The slices of a backfill: where a part of its range is served from the archive, that part is cut by itself, and what no scorer samples
 * counts there.
 */
export async function cutBackfill(
  { experimentId, from, to, archived }: Pick<Backfill, 'experimentId' | 'from' | 'to' | 'archived'>,
  options: Parameters<typeof cutSlices>[1],
): Promise<readonly Slice[]> {
  if (archived === undefined) return cutSlices({ experimentId, from, to }, options);
  const old = await cutSlices({ experimentId, from: archived.from, to: archived.to }, options);
  const young = archived.to < to ? await cutSlices({ experimentId, from: archived.to + 1, to }, options) : [];
  return [...old.map((slice) => ({ ...slice, sampledOnly: true })), ...young].map((slice, id) => ({ ...slice, id }));
}

/** Traces that are read at once. */
const pageSize = 500;

/** Of slices of named traces, which travel with their ids: a child of a map takes ten, of at most 256 KiB together. */
const namedSliceSize = 200;

/** Slices of traces that were named, in that order. */
export function namedSlices(traceIds: readonly string[]): readonly Slice[] {
  return chunk(traceIds, namedSliceSize).map((ids, id) => ({
    id,
    shard: 0,
    after: '',
    upTo: '',
    traces: ids.length,
    traceIds: ids,
  }));
}

/** Traces that were named, as if they had been found. */
export function asFound(traceIds: readonly string[]): readonly FoundTrace[] {
  return traceIds.map((traceId) => ({ traceId, position: '' }));
}

/** The traces of a slice, oldest first, or as they were named, page by page. */
export async function* readSlice(
  { experimentId, slice: { shard, after, upTo, traceIds } }: { experimentId: string; slice: Slice },
  slices: Pick<TraceSlices, 'days' | 'read'>,
): AsyncGenerator<readonly FoundTrace[]> {
  if (traceIds) {
    yield asFound(traceIds);
    return;
  }
  for (const day of await slices.days(experimentId, { after, upTo })) {
    let seen = after;
    for (;;) {
      const page = await slices.read({ experimentId, shard, day, after: seen, upTo }, pageSize);
      if (page.length > 0) yield page;
      if (page.length < pageSize) break;
      seen = page.at(-1)?.position ?? seen;
    }
  }
}
