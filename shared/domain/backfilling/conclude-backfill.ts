import type { ScorerStore } from '../ports.ts';
import { type Backfill, type BackfillRef, endedOf, isOver } from './backfill.ts';
import {
  type ChangeBackfillDeps,
  cancelBackfill,
  changeBackfill,
  existingBackfill,
  finishBackfill,
  pauseBackfill,
} from './change-backfill.ts';
import { releaseRange } from './claims.ts';
import type { CoverageStore, SliceProgressStore } from './ports.ts';
import { type BackfillProgress, readProgress, totalCounts } from './progress.ts';

export interface ConcludeDeps extends ChangeBackfillDeps {
  readonly progress: Pick<SliceProgressStore, 'list'>;
  readonly coverage: CoverageStore;
  readonly scorers: Pick<ScorerStore, 'get'>;
}

/** What the execution does next. */
export type NextStep =
  | { readonly next: 'wait'; readonly seconds: number }
  /** Slices were left out: their evaluations are still to be asked for. */
  | { readonly next: 'enqueue' }
  | { readonly next: 'end'; readonly state: Backfill['state'] | 'superseded' };

/** Functions keep what they know of a backfill's state for half a minute, and what they have begun they end. */
const cancelledForMs = 60_000;
/** Nothing is judged, held or tried again for so long: the messages must have gone to the dead letters. */
const stalledMs = 2 * 3_600_000;
const shortestWait = 10;
/** Whoever watches sees it move a few times an hour, over days once an hour; each round costs. */
const [longestWait, longestWaitOverDays] = [900, 3_600];
/** Where a cost is to be noticed. */
const costWait = 60;

/** Looks at how far a backfill is, after its slices were reconciled, and decides how it goes on. */
export async function concludeBackfill(
  ref: BackfillRef & Pick<Backfill, 'attempt'>,
  { round, deps }: { round: number; deps: ConcludeDeps },
): Promise<NextStep> {
  const backfill = await existingBackfill(ref, deps.backfills);
  if (backfill.attempt !== ref.attempt) return { next: 'end', state: 'superseded' };
  if (backfill.state === 'cancelled') return concludeCancelled(backfill, deps.now());
  if (backfill.state !== 'running') return { next: 'end', state: backfill.state };
  const deleted = await deletedScorer(backfill, deps);
  if (deleted !== undefined) {
    const cancelled = await cancelBackfill(ref, { reason: `scorer '${deleted}' was deleted`, deps });
    return concludeCancelled(cancelled, deps.now());
  }
  const progress = await readProgress(backfill, deps.progress.list(backfill.backfillId));
  if (progress.slicesEnqueued < (backfill.plan?.slices ?? 0)) return { next: 'enqueue' };
  const { pending } = totalCounts(progress.scorers);
  if (pending === 0) return finish(backfill, { progress, deps });
  const reason = whyToPause(backfill, { progress, now: deps.now() });
  if (reason !== undefined) return { next: 'end', state: (await pauseBackfill(ref, { reason, deps })).state };
  const seconds = waitSeconds(backfill, { progress, round, now: deps.now() });
  await noteProgress(backfill, { progress, deps });
  return { next: 'wait', seconds };
}

/** What was begun before the cancellation is counted once it has ended. */
function concludeCancelled({ stateAt }: Backfill, now: number): NextStep {
  const left = stateAt + cancelledForMs - now;
  return left > 0 ? { next: 'wait', seconds: Math.ceil(left / 1000) } : { next: 'end', state: 'cancelled' };
}

/** One that is gone judges nothing any more. */
async function deletedScorer({ experimentId, scorers }: Backfill, deps: ConcludeDeps): Promise<string | undefined> {
  const registered = scorers.filter(({ inline }) => inline === undefined);
  const there = await Promise.all(registered.map(({ name, version }) => deps.scorers.get(experimentId, name, version)));
  return registered.find((_, i) => there[i] === undefined)?.name;
}

/** Coverage first: a backfill that says it has finished is covered. */
async function finish(
  backfill: Backfill,
  { progress, deps }: { progress: BackfillProgress; deps: ConcludeDeps },
): Promise<NextStep> {
  const { experimentId, backfillId, from, to } = backfill;
  const about = { experimentId, backfillId, from, to, finishedAt: deps.now() };
  if (!backfill.onDemand) await deps.coverage.put(backfill.scorers.map((scorer) => ({ ...scorer, ...about })));
  const finished = await finishBackfill(backfill, { counts: progress.scorers, deps });
  if (isOver(finished)) await releaseRange(finished, deps.backfills);
  return { next: 'end', state: finished.state };
}

function whyToPause(
  { maxCostUsd = Number.POSITIVE_INFINITY, lastProgress }: Backfill,
  { progress, now }: { progress: BackfillProgress; now: number },
): string | undefined {
  if (progress.usd >= maxCostUsd)
    return `it has cost ${progress.usd.toFixed(2)} US$, max_cost_usd is ${maxCostUsd}: resume it with a higher one`;
  const isStalled = lastProgress !== undefined && lastProgress.settled === settledIn(progress);
  if (!isStalled || now - lastProgress.at < stalledMs) return undefined;
  return 'nothing has been judged for two hours: look at the dead letters of the backfill queue, then resume it';
}

/** What is held is tried again, and tells so: it is not lost. */
function settledIn({ scorers, waiting }: BackfillProgress): number {
  return endedOf(totalCounts(scorers)) + waiting;
}

/** Written only when it has changed: a stalled backfill is told by what it was long ago. */
async function noteProgress(
  { lastProgress, ...backfill }: Backfill,
  { progress, deps }: { progress: BackfillProgress; deps: ConcludeDeps },
): Promise<void> {
  const settled = settledIn(progress);
  // What waits is tried again and again without the sum changing.
  if (lastProgress?.settled === settled && progress.waiting === 0) return;
  await changeBackfill(backfill, {
    backfills: deps.backfills,
    change: (current) =>
      current.attempt === backfill.attempt ? { ...current, lastProgress: { settled, at: deps.now() } } : current,
  });
}

/** Often at first, then a fourth of what is left. An execution has 25,000 events, and a round takes 16: a thousand hours at the worst. */
function waitSeconds(
  backfill: Backfill,
  { progress, round, now }: { progress: BackfillProgress; round: number; now: number },
): number {
  const left = secondsLeft(backfill, { progress, now }) ?? 0;
  const growing = shortestWait * 1.5 ** round;
  const most = round > 500 ? longestWaitOverDays : Math.min(longestWaitOverDays, Math.max(longestWait, left / 16));
  const noticed = backfill.maxCostUsd === undefined ? most : Math.max(costWait, left / 50);
  const wanted = left === 0 ? growing : Math.min(growing, left / 4);
  return Math.round(Math.min(most, noticed, Math.max(shortestWait, wanted)));
}

/** At the rate at which it has judged since it was started or resumed; undefined while that is not known, or not all has been asked for. */
export function secondsLeft(
  { stateAt, state, plan }: Pick<Backfill, 'stateAt' | 'state' | 'plan'>,
  { progress, now }: { progress: Pick<BackfillProgress, 'scorers' | 'slicesEnqueued'>; now: number },
): number | undefined {
  const { pending, judged, failed } = totalCounts(progress.scorers);
  if (state === 'running' && progress.slicesEnqueued < (plan?.slices ?? 0)) return undefined;
  if (pending === 0) return 0;
  if (state !== 'running' || judged + failed === 0) return undefined;
  return (pending * (now - stateAt)) / 1000 / (judged + failed);
}
