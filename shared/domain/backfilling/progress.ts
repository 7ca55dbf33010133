import {
  addCounts,
  type Backfill,
  type DecidedCounts,
  type EndedCounts,
  endedOf,
  nothingDecided,
  nothingEnded,
  type ScorerCounts,
  type SliceProgress,
} from './backfill.ts';

/** How far a backfill is: the sum over its slices. */
export interface BackfillProgress {
  /** In the order of the scorers. */
  readonly scorers: readonly ScorerCounts[];
  /** Slices whose evaluations were asked for by the current attempt. */
  readonly slicesEnqueued: number;
  /** Of the pending: held, and tried again soon. */
  readonly waiting: number;
  readonly usd: number;
  readonly tokens: number;
}

/**
 * Slices that were written while others of them were read count once: each is one item. They expire; what a finished backfill has counted
 * stays.
 */
export async function readProgress(
  backfill: Pick<Backfill, 'scorers' | 'attempt' | 'state' | 'archived' | 'counts'>,
  slices: AsyncIterable<SliceProgress>,
): Promise<BackfillProgress> {
  // What no scorer samples of the archived part is in no slice.
  const inArchive = { ...nothingDecided, notSampled: backfill.archived?.notSampled ?? 0 };
  let [decided, ended] = [backfill.scorers.map(() => inArchive), backfill.scorers.map(() => nothingEnded)];
  let [slicesEnqueued, nanoUsd, tokens] = [0, 0, 0];
  for await (const slice of slices) {
    decided = decided.map((counts, i) => addCounts(counts, slice.decided[i] ?? nothingDecided));
    ended = ended.map((counts, i) => addCounts(counts, slice.ended[i] ?? nothingEnded));
    if (slice.attempt >= backfill.attempt) slicesEnqueued++;
    // In whole billionths: sums of fractions depend on their order.
    nanoUsd += Math.round(slice.usd * 1e9);
    tokens += slice.tokens;
  }
  const isCancelled = backfill.state === 'cancelled';
  const summed = decided.map((counts, i) => toCounts(counts, { ended: ended[i] ?? nothingEnded, isCancelled }));
  const waiting = ended.reduce((sum, counts) => sum + counts.waiting, 0);
  return { scorers: backfill.counts ?? summed, slicesEnqueued, waiting, usd: nanoUsd / 1e9, tokens };
}

function toCounts(
  decided: DecidedCounts,
  { ended, isCancelled }: { ended: EndedCounts; isCancelled: boolean },
): ScorerCounts {
  const { enqueued, deleted, ...left } = decided;
  const open = enqueued - endedOf(ended);
  return {
    found: Object.values(left).reduce((sum, count) => sum + count, deleted + enqueued),
    ...left,
    judged: ended.judged,
    failed: ended.failed,
    held: ended.held,
    cancelled: isCancelled ? open : 0,
    deleted: deleted + ended.deleted,
    pending: isCancelled ? 0 : open,
  };
}

const nothingCounted: ScorerCounts = {
  found: 0,
  filtered: 0,
  notSampled: 0,
  alreadyDone: 0,
  incomplete: 0,
  judged: 0,
  failed: 0,
  held: 0,
  cancelled: 0,
  deleted: 0,
  pending: 0,
};

/** Of all scorers together. */
export function totalCounts(scorers: readonly ScorerCounts[]): ScorerCounts {
  return scorers.reduce(addCounts, nothingCounted);
}
