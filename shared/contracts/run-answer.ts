import type { RunResult } from '../domain/assessing/run-results.ts';
import type { Backfill } from '../domain/backfilling/backfill.ts';
import { secondsLeft } from '../domain/backfilling/conclude-backfill.ts';
import { type BackfillProgress, totalCounts } from '../domain/backfilling/progress.ts';
import { isInline } from '../domain/scorer.ts';
import { counts } from './backfill-answer.ts';
import { mlflowAssessment } from './mlflow-entities.ts';

/** A run on demand as the API answers it. */
export function runAnswer(run: Backfill, { progress, now }: { progress: BackfillProgress; now: number }) {
  const { backfillId, experimentId, state, reason, dryRun, plan } = run;
  const left = secondsLeft(run, { progress, now });
  const total = counts(totalCounts(progress.scorers));
  return {
    run_id: backfillId,
    experiment_id: experimentId,
    // Nobody has to know that it has to be planned.
    state: state === 'planning' ? 'running' : state,
    ...(reason !== undefined && { reason }),
    dry_run: dryRun,
    created_at: new Date(run.createdAt).toISOString(),
    ...(plan && { traces: plan.traces }),
    scorers: run.scorers.map((scorer, i) => ({
      ...scorerAnswer(scorer),
      ...(progress.scorers[i] && { counts: ofRun(counts(progress.scorers[i]), dryRun) }),
    })),
    counts: ofRun(total, dryRun),
    usd: progress.usd,
    tokens: progress.tokens,
    ...(left !== undefined && state === 'running' && { seconds_left: Math.round(left) }),
  };
}

/** Of a dry run nothing is pending: what is not judged stays so. */
function ofRun({ pending, ...others }: ReturnType<typeof counts>, dryRun: boolean) {
  return dryRun ? { ...others, not_judged: pending } : { ...others, pending };
}

export function resultAnswer({ traceId, scorer, state, reason, assessments, usd, tokens }: RunResult) {
  const { name, version } = scorerAnswer(scorer);
  return {
    trace_id: traceId,
    scorer: name,
    version,
    state: state.replace('-', '_'),
    ...(reason !== undefined && { reason }),
    assessments: assessments.map(mlflowAssessment),
    usd,
    tokens,
  };
}

function scorerAnswer({ name, version, inline }: Backfill['scorers'][number]) {
  return { name: inline?.name ?? name, version: isInline({ version }) ? null : version };
}
