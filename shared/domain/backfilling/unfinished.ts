import { type EvaluationOutcome, isFinished } from '../evaluation.ts';
import type { Backfill, WantedEvaluation } from './backfill.ts';
import type { EvaluationReader } from './ports.ts';

/** An evaluation that a backfill asked for, and what became of it. */
export interface AskedEvaluation {
  readonly wanted: WantedEvaluation;
  /** The scorer's place in the backfill. */
  readonly scorer: number;
  readonly outcome: EvaluationOutcome | undefined;
}

/** Every evaluation that is wanted, each with its outcome; one by which a scorer is to judge again counts only if this backfill asked for it. */
export async function readOutcomes(
  wanted: readonly WantedEvaluation[],
  { backfill, evaluations }: { backfill: Backfill; evaluations: EvaluationReader },
): Promise<readonly AskedEvaluation[]> {
  const asked = wanted.flatMap((one) => one.scorers.map((scorer) => ({ wanted: one, scorer })));
  const keys = asked.flatMap(({ wanted: { traceId }, scorer }) => {
    const { name, version } = backfill.scorers[scorer] ?? {};
    return name === undefined || version === undefined ? [] : [{ traceId, scorerName: name, scorerVersion: version }];
  });
  const outcomes = keys.length > 0 ? await evaluations.outcomesOf(keys) : [];
  const known = new Map(outcomes.map((outcome) => [keyOf(outcome), outcome]));
  return asked.map(({ wanted: one, scorer }) => {
    const { name = '', version = 0 } = backfill.scorers[scorer] ?? {};
    const outcome = known.get(keyOf({ traceId: one.traceId, scorerName: name, scorerVersion: version }));
    return { wanted: one, scorer, outcome: outcome && isOfBackfill(outcome, backfill) ? outcome : undefined };
  });
}

/** Of what is judged again, what was found before does not count. */
export function isOfBackfill(
  outcome: EvaluationOutcome,
  { mode, onDemand, backfillId, createdAt }: Pick<Backfill, 'mode' | 'onDemand' | 'backfillId' | 'createdAt'>,
): boolean {
  if (!isFinished(outcome)) return true;
  // Its weight is still to be given to it.
  if (outcome.unweighted && !onDemand) return false;
  // What others have judged since it was asked for is as good.
  return mode === 'missing' || outcome.backfillId === backfillId || outcome.finishedAt > createdAt;
}

/** What is left to ask for. */
export function unfinishedOf(asked: readonly AskedEvaluation[]): readonly WantedEvaluation[] {
  const left = asked.filter(({ outcome }) => outcome === undefined || !isFinished(outcome));
  const byTrace = Map.groupBy(left, ({ wanted }) => wanted);
  return [...byTrace].map(([wanted, group]) => ({ ...wanted, scorers: group.map(({ scorer }) => scorer) }));
}

function keyOf({
  traceId,
  scorerName,
  scorerVersion,
}: Pick<EvaluationOutcome, 'traceId' | 'scorerName' | 'scorerVersion'>) {
  return `${traceId}/${scorerVersion}/${scorerName}`;
}
