import { type EvaluationOutcome, isFinished, isLetGo } from '../evaluation.ts';
import type { Clock, TraceReader } from '../ports.ts';
import {
  type Backfill,
  type EndedCounts,
  endedOf,
  nothingEnded,
  type SliceProgress,
  type WantedEvaluation,
} from './backfill.ts';
import type { EvaluationReader, SliceDecisions, SliceProgressStore } from './ports.ts';
import { type AskedEvaluation, readOutcomes } from './unfinished.ts';

export interface ReconcileSliceDeps {
  readonly index: Pick<TraceReader, 'getInfos'>;
  readonly evaluations: EvaluationReader;
  readonly decisions: Pick<SliceDecisions, 'get'>;
  readonly progress: Pick<SliceProgressStore, 'get' | 'put'>;
  readonly now: Clock;
}

/** Of a slice that nothing was judged of yet so many traces tell that it still is so; and a few of them that it is not deleted. */
const [probed, probedForDeletion] = [20, 2];
/** A held evaluation that is tried again within this time is waited for: a model that is down or throttled is tried every quarter of an hour. */
const worthWaitingMs = 3_600_000;
/** Two days: what is held for longer is told as held, whenever it is tried again. */
const longestWaitMs = 48 * 3_600_000;

/** Reads what became of the evaluations of a slice and writes it whole: counts, and what they cost. */
export async function reconcileSlice(
  sliceId: number,
  { backfill, deps }: { backfill: Backfill; deps: ReconcileSliceDeps },
): Promise<void> {
  const before = await deps.progress.get(backfill.backfillId, sliceId);
  if (before === undefined || pendingOf(before) === 0) return;
  const { wanted } = await deps.decisions.get(backfill, sliceId);
  const read = (some: typeof wanted) => readOutcomes(some, { backfill, evaluations: deps.evaluations });
  // Spread over the slice: its messages were sent in its order.
  const stride = Math.max(1, Math.floor(wanted.length / probed));
  const probe = await read(wanted.filter((_, i) => i % stride === 0));
  if (stride > 1 && endedIn(before) === 0 && (await isUntouched(probe, deps))) return;
  const asked = [...probe, ...(await read(wanted.filter((_, i) => i % stride !== 0)))];
  const deleted = await deletedAmong(asked, deps.index);
  const isFate = (one: AskedEvaluation) => fateOf(one, { deleted, now: deps.now(), onDemand: backfill.onDemand });
  const ended = backfill.scorers.map((_, i) => countFates(asked.filter(({ scorer }) => scorer === i).map(isFate)));
  await deps.progress.put(backfill.backfillId, { ...before, ended, ...spentOn(asked, backfill) });
}

async function isUntouched(probe: readonly AskedEvaluation[], { index }: ReconcileSliceDeps): Promise<boolean> {
  if (probe.some(({ outcome }) => outcome !== undefined)) return false;
  return (await deletedAmong(probe.slice(0, probedForDeletion), index)).size === 0;
}

/** Of which nobody knows how they end. */
function pendingOf({ decided, ended }: SliceProgress): number {
  return sum(decided.map(({ enqueued }) => enqueued)) - sum(ended.map(endedOf));
}

function endedIn({ ended }: SliceProgress): number {
  return sum(ended.map((counts) => endedOf(counts) + counts.waiting));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Of the traces whose evaluations have no outcome, those that are gone: their messages end without one. */
async function deletedAmong(
  asked: readonly AskedEvaluation[],
  index: Pick<TraceReader, 'getInfos'>,
): Promise<ReadonlySet<string>> {
  const open = [...new Set(asked.flatMap(({ outcome, wanted }) => (outcome === undefined ? wanted.traceId : [])))];
  if (open.length === 0) return new Set();
  const there = await index.getInfos(open);
  return new Set(open.filter((traceId) => !there.has(traceId)));
}

export function fateOf(
  {
    outcome,
    wanted,
  }: { readonly outcome: EvaluationOutcome | undefined; readonly wanted: Pick<WantedEvaluation, 'traceId'> },
  { deleted, now, onDemand }: { deleted: ReadonlySet<string>; now: number; onDemand?: Backfill['onDemand'] },
): keyof EndedCounts | 'pending' {
  if (outcome === undefined) return deleted.has(wanted.traceId) ? 'deleted' : 'pending';
  switch (outcome.state) {
    case 'done':
      return 'judged';
    case 'failed':
      return 'failed';
    case 'running':
      return 'pending';
    case 'held':
      if (isLetGo(outcome)) return 'pending';
      // Whoever wants to know now is told what has to be mended.
      if (onDemand && (outcome.heldBy === 'misconfigured' || outcome.heldBy === 'unpriced')) return 'held';
      return isTriedSoon(outcome, now) ? 'waiting' : 'held';
  }
}

function isTriedSoon({ dueAt, heldSince, finishedAt }: EvaluationOutcome, now: number): boolean {
  if (dueAt === undefined || now - (heldSince ?? finishedAt) > longestWaitMs) return false;
  return dueAt - now <= worthWaitingMs;
}

function countFates(fates: readonly (keyof EndedCounts | 'pending')[]): EndedCounts {
  const counts = { ...nothingEnded };
  for (const fate of fates) if (fate !== 'pending') counts[fate]++;
  return counts;
}

/** What this backfill paid; what live scoring judged meanwhile cost it nothing. */
function spentOn(asked: readonly AskedEvaluation[], { backfillId }: Backfill): Pick<SliceProgress, 'usd' | 'tokens'> {
  const own = asked.flatMap(({ outcome }) =>
    outcome && isFinished(outcome) && outcome.backfillId === backfillId ? (outcome.spent ?? []) : [],
  );
  return { usd: Number(sum(own.map(({ usd }) => usd)).toFixed(9)), tokens: sum(own.map(({ tokens }) => tokens)) };
}
