import type { SelectedScorer } from '../evaluation.ts';
import type { Judge } from '../judging/judge.ts';
import { type JudgeOutcome, type RunJudgesDeps, runJudges } from '../judging/run-judges.ts';
import type { Rules } from '../rules.ts';
import type { ScorableTrace } from '../scorable-trace.ts';
import type { ScorerVersion } from '../scorer.ts';

/** What judges of an experiment are run with. */
export type Judging = (rules: Rules) => RunJudgesDeps;

/** A selected scorer, as the judge that it is. */
export interface JudgeEvaluation {
  readonly selected: SelectedScorer;
  readonly version: ScorerVersion;
  readonly scorer: { readonly judge: Judge };
}

/**
 * Has judges judge a trace, or the traces of a session. Who is asked alone pays alone; those that are asked in one call share what it
 * costs. Answers in their order.
 */
export async function askJudges(
  judges: readonly JudgeEvaluation[],
  { traces, rules, judging }: { traces: readonly ScorableTrace[]; rules: Rules; judging: Judging },
): Promise<readonly JudgeOutcome[]> {
  if (judges.length === 0) return [];
  const groups = rules.settings.combineJudges ? [judges] : judges.map((judge) => [judge]);
  const outcomes = await Promise.all(
    groups.map((group) => {
      const tasks = group.map(({ selected, scorer, version: { scorerId, version } }) => ({
        judge: scorer.judge,
        scorer: selected.name,
        scope: `${scorerId}/${version}`,
      }));
      return runJudges(tasks, { traces, deps: judging(rules) });
    }),
  );
  return outcomes.flat();
}
