import type { Backfill, Prediction, ScorerCounts } from '../domain/backfilling/backfill.ts';
import { secondsLeft } from '../domain/backfilling/conclude-backfill.ts';
import { type BackfillProgress, totalCounts } from '../domain/backfilling/progress.ts';

/** A backfill as the API answers it; without progress as lists have it. */
export function backfillAnswer(backfill: Backfill, seen?: { progress: BackfillProgress; now: number }) {
  const { plan, reason, maxCostUsd, onDemand } = backfill;
  return {
    backfill_id: backfill.backfillId,
    experiment_id: backfill.experimentId,
    state: backfill.state,
    ...(reason !== undefined && { reason }),
    since: iso(backfill.stateAt),
    created_at: iso(backfill.createdAt),
    ...(onDemand && { on_demand: true }),
    start_time: iso(backfill.from),
    end_time: iso(backfill.to),
    mode: backfill.mode,
    dry_run: backfill.dryRun,
    ...(maxCostUsd !== undefined && { max_cost_usd: maxCostUsd }),
    scorers: backfill.scorers.map((scorer, i) => ({
      name: scorer.inline?.name ?? scorer.name,
      version: scorer.inline ? null : scorer.version,
      sample_rate: scorer.sampleRate,
      ...(scorer.filter !== undefined && { filter: scorer.filter }),
      ...(plan?.predictions[i] && { predicted: prediction(plan.predictions[i]) }),
      ...(seen && countsOf(seen.progress.scorers[i])),
    })),
    ...(plan && { plan: { traces: plan.traces, slices: plan.slices } }),
    ...(seen && progressAnswer(backfill, seen)),
  };
}

function progressAnswer(backfill: Backfill, { progress, now }: { progress: BackfillProgress; now: number }) {
  const left = secondsLeft(backfill, { progress, now });
  return {
    counts: counts(totalCounts(progress.scorers)),
    slices_enqueued: progress.slicesEnqueued,
    cost_usd: progress.usd,
    tokens: progress.tokens,
    ...(left !== undefined && { seconds_left: Math.round(left) }),
  };
}

function countsOf(of: ScorerCounts | undefined) {
  return of && { counts: counts(of) };
}

export function counts({ notSampled, alreadyDone, ...others }: ScorerCounts) {
  return { ...others, not_sampled: notSampled, already_done: alreadyDone };
}

function prediction({ evaluations, tokens, usd, basis }: Prediction) {
  return {
    evaluations,
    ...(tokens !== undefined && { tokens }),
    ...(usd !== undefined && { cost_usd: usd }),
    basis: basis.replace('-', '_'),
  };
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
