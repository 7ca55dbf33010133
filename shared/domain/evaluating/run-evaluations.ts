import { SandboxUnavailableError } from '../code/run-code.ts';
import { nothingSpent } from '../judging/judging-metrics.ts';
import type { JudgeOutcome } from '../judging/run-judges.ts';
import type { ScorableTrace } from '../scorable-trace.ts';
import type { ScorerResult } from '../scorer.ts';
import { askJudges, type Judging } from './ask-judges.ts';
import {
  type ConcludeContext,
  type ConcludeDeps,
  type ConcludedEvaluation,
  concludeFailure,
  concludeResults,
  failed,
} from './conclude-evaluation.ts';
import type { CodeEvaluation, JudgeEvaluation, Prepared } from './prepare-evaluations.ts';

export interface RunDeps extends ConcludeDeps {
  readonly judging: Judging;
}

interface RunContext extends ConcludeContext {
  readonly deps: RunDeps;
}

/** Runs scorers on a trace. Code and judges run side by side. */
export async function runEvaluations(
  { code, judges }: Pick<Prepared, 'code' | 'judges'>,
  context: RunContext,
): Promise<readonly ConcludedEvaluation[]> {
  const [ran, judged] = await Promise.all([
    Promise.all(code.map((evaluation) => runCode(evaluation, context))),
    judge(judges, context),
  ]);
  return [...ran, ...judged];
}

async function runCode(evaluation: CodeEvaluation, context: RunContext): Promise<ConcludedEvaluation> {
  const ran = await score(evaluation.scorer, context.trace);
  return 'failure' in ran
    ? concludeFailure(evaluation, { ...context, ...ran })
    : concludeResults(evaluation, { ...context, ...ran, spent: nothingSpent });
}

/** Runs one scorer; what it throws is its failure alone, an error and never a score. */
async function score(
  scorer: CodeEvaluation['scorer'],
  trace: ScorableTrace,
): Promise<{ readonly results: readonly ScorerResult[] } | { readonly failure: SandboxUnavailableError }> {
  if ('unsupported' in scorer)
    return { results: [failed({ code: 'SCORER_NOT_SUPPORTED', message: scorer.unsupported })] };
  try {
    return { results: await scorer.score(trace) };
  } catch (error) {
    // Nothing was found out.
    if (error instanceof SandboxUnavailableError) return { failure: error };
    const message = error instanceof Error ? error.message : String(error);
    return { results: [failed({ code: 'SCORER_ERROR', message })] };
  }
}

async function judge(judges: readonly JudgeEvaluation[], context: RunContext): Promise<readonly ConcludedEvaluation[]> {
  const { rules, deps, trace } = context;
  const outcomes = await askJudges(judges, { traces: [trace], rules, judging: deps.judging });
  return judges.map((evaluation, i) =>
    concludeJudging(evaluation, { ...context, judged: outcomes[i] as JudgeOutcome }),
  );
}

function concludeJudging(
  evaluation: JudgeEvaluation,
  { judged, ...context }: RunContext & { readonly judged: JudgeOutcome },
): ConcludedEvaluation {
  if ('failure' in judged) return concludeFailure(evaluation, { ...context, failure: judged.failure });
  const { results, spent } = judged;
  return concludeResults(evaluation, { ...context, results, spent });
}
