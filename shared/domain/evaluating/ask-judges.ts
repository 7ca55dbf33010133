import type { SelectedScorer } from '../evaluation.ts';
import type { Judge } from '../judging/judge.ts';
import { type JudgeOutcome, type RunJudgesDeps, runJudges } from '../judging/run-judges.ts';
import type { Rules } from '../rules.ts';
import type { ScorableTrace } from '../scorable-trace.ts';
import type { ScorerVersion } from '../scorer.ts';

/** What judges of an experiment are run with, paid by these scorers. */
export type Judging = (rules: Rules, payers: readonly SelectedScorer[]) => RunJudgesDeps;

/** A selected scorer, as the judge that it is. */
export interface JudgeEvaluation {
  readonly selected: SelectedScorer;
  readonly version: ScorerVersion;
  readonly scorer: { readonly judge: Judge };
}

/**
 * Has judges judge a trace, or the traces of a session. Who is asked alone pays alone; those that the experiment combines share what a
 * call costs. Answers in their order.
 */
export async function askJudges(
  judges: readonly JudgeEvaluation[],
  { traces, rules, judging }: { traces: readonly ScorableTrace[]; rules: Rules; judging: Judging },
): Promise<readonly JudgeOutcome[]> {
  if (judges.length === 0) return [];
  const groups = rules.settings.combineJudges ? [judges] : judges.map((judge) => [judge]);
  const outcomes = await Promise.all(
    groups.map((group) => {
      const tasks = group.map(({ scorer, version: { scorerId, version } }) => ({
        judge: scorer.judge,
        scope: `${scorerId}/${version}`,
      }));
      const payers = group.map(({ selected }) => selected);
      return runJudges(tasks, { traces, deps: judging(rules, payers) });
    }),
  );
  return outcomes.flat();
}
