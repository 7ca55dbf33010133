import { defaultLimits } from '../../../shared/domain/judging/asking/limits.ts';
import type { Judge } from '../../../shared/domain/judging/judge.ts';
import type { JudgeModel } from '../../../shared/domain/judging/judge-model.ts';
import { type JudgedResult, type RunJudgesDeps, runJudges } from '../../../shared/domain/judging/run-judges.ts';
import type { ScorableTrace } from '../../../shared/domain/scorable-trace.ts';
import { countedCodes, modelsOf } from './a-judge-model.ts';

export function judgingDeps(model: JudgeModel, given: Partial<RunJudgesDeps> = {}): RunJudgesDeps {
  return {
    models: modelsOf(model),
    paidBy: (_, paid) => paid,
    code: countedCodes(),
    now: () => 0,
    limits: defaultLimits,
    combine: false,
    costOf: () => undefined,
    ...given,
  };
}

/** Runs one judge; throws where it could not be asked. */
export async function judgeOnce(
  judge: Judge,
  { traces, model, deps }: { traces: readonly ScorableTrace[]; model: JudgeModel; deps?: Partial<RunJudgesDeps> },
): Promise<readonly JudgedResult[]> {
  const [outcome] = await runJudges([{ judge, scorer: judge.name, scope: 's' }], {
    traces,
    deps: judgingDeps(model, deps),
  });
  if (outcome === undefined || 'failure' in outcome) throw outcome?.failure ?? new Error('no outcome');
  return outcome.results;
}
