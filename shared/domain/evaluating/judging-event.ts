import type { EvaluationOutcome } from '../evaluation.ts';
import type { JudgingEnd, JudgingEvent, Spent } from '../judging/judging-metrics.ts';

/** An evaluation that has ended, of a trace or of a session. */
interface Ended {
  readonly outcome: Pick<EvaluationOutcome, 'scorerName' | 'finishedAt' | 'backfillId'>;
  readonly end: JudgingEnd;
  readonly spent: Spent;
}

/** @param readyAt when what is judged was there as a whole, epoch ms: the seconds to the assessment count from then; a backfill comes long after it */
export function judgingEvent(
  { outcome, end, spent }: Ended,
  { experimentId, readyAt }: { experimentId: string; readyAt: number },
): JudgingEvent {
  const about = { experimentId, scorer: outcome.scorerName, outcome: end, ...spent };
  if (end.kind === 'held' || outcome.backfillId !== undefined) return about;
  return { ...about, secondsToAssessment: Math.max(0, outcome.finishedAt - readyAt) / 1000 };
}
