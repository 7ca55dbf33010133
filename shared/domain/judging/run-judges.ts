import { chunk } from '../chunk.ts';
import { settleInParallel } from '../in-parallel.ts';
import type { Clock } from '../ports.ts';
import type { ScorableTrace } from '../scorable-trace.ts';
import type { ScorerResult } from '../scorer.ts';
import { askQuestion } from './asking/ask-question.ts';
import { askCombined, canCombine, maxCombined, type ScopedQuestion } from './asking/combine.ts';
import type { JudgingLimits } from './asking/limits.ts';
import type { Conclusion, Judge, JudgementRecord, JudgePlan, Verdict } from './judge.ts';
import { JudgeMisconfiguredError, type JudgeModel, type JudgeModels } from './judge-model.ts';
import { judgementMetadata, spentOn } from './judgement-metadata.ts';
import type { Spent } from './judging-metrics.ts';
import type { TimeLimit } from './time-limit.ts';

export interface RunJudgesDeps {
  readonly models: JudgeModels;
  /** The model, whose calls these scorers pay for, each its share. */
  readonly paidBy: (scorers: readonly string[], model: JudgeModel) => JudgeModel;
  /** A fresh random code of at least 16 letters and digits, for the delimiters of one prompt. */
  readonly code: () => string;
  readonly now: Clock;
  readonly limits: JudgingLimits;
  /** When everything has to be judged; absent: nobody waits for it. */
  readonly time?: TimeLimit | undefined;
  /** Judges that share a model are asked in one call. */
  readonly combine: boolean;
  /** US$ of a judgement; undefined for a model without a price. */
  readonly costOf: (record: JudgementRecord) => number | undefined;
}

export interface JudgeTask {
  readonly judge: Judge;
  /** The name of the scorer, which pays. */
  readonly scorer: string;
  /** What an answer may be reused for: id and version of the scorer. */
  readonly scope: string;
}

/** A result with what it is of: MLflow's source, the model that really answered. */
export interface JudgedResult extends ScorerResult {
  readonly source: { readonly type: 'LLM_JUDGE' | 'CODE'; readonly id: string };
}

export type JudgeOutcome =
  | {
      readonly results: readonly JudgedResult[];
      /** Of every judgement that was asked for. */
      readonly records: readonly JudgementRecord[];
      readonly spent: Spent;
    }
  /** Nothing is known: unavailable, to be tried again, or misconfigured, to be paused. Judgements that were paid are in the cache. */
  | { readonly failure: Error };

/**
 * Runs judges on a trace, or on the traces of a session in the order of time. Their calls wait side by side. One judge's failure is its own;
 * a judge of whose questions one cannot be asked now is as a whole tried again later.
 */
export async function runJudges(
  tasks: readonly JudgeTask[],
  { traces, deps }: { traces: readonly ScorableTrace[]; deps: RunJudgesDeps },
): Promise<readonly JudgeOutcome[]> {
  const plans = await settleInParallel(tasks, { limit: tasks.length, task: async ({ judge }) => judge.plan(traces) });
  const questions = plans.flatMap((plan, task) =>
    plan.status === 'fulfilled'
      ? plan.value.questions.map((question) => ({ question, task, ...(tasks[task] as JudgeTask) }))
      : [],
  );
  const verdicts = await askAll(questions, deps);
  return tasks.map(({ judge }, task) => {
    const plan = plans[task] as PromiseSettledResult<JudgePlan>;
    if (plan.status === 'rejected') return { failure: asError(plan.reason) };
    return outcomeOf(judge, {
      plan: plan.value,
      deps,
      answers: verdicts.filter((_, i) => questions[i]?.task === task),
    });
  });
}

type Answer = { readonly verdict: Verdict } | { readonly failure: Error };

interface PlannedQuestion extends ScopedQuestion {
  /** Position of the task it belongs to. */
  readonly task: number;
}

/** Answers in the order of the questions. */
async function askAll(questions: readonly PlannedQuestion[], deps: RunJudgesDeps): Promise<readonly Answer[]> {
  const models = await resolveModels(questions, deps.models);
  const answers: Answer[] = [];
  const groups = groupsOf(questions, { models, combine: deps.combine });
  await settleInParallel(groups, {
    limit: deps.limits.concurrency,
    task: async ({ model, positions }) => {
      const asked = await answersOf(
        positions.map((i) => questions[i] as PlannedQuestion),
        { model, deps },
      );
      for (const [j, i] of positions.entries()) answers[i] = asked[j] as Answer;
    },
  });
  return answers;
}

type Resolved = JudgeModel | { readonly failure: Error };

async function resolveModels(
  questions: readonly PlannedQuestion[],
  models: JudgeModels,
): Promise<ReadonlyMap<string | undefined, Resolved>> {
  const uris = [...new Set(questions.map(({ question }) => question.model))];
  const resolved = await settleInParallel(uris, { limit: uris.length, task: (uri) => models.resolve(uri) });
  return new Map(
    resolved.map((result, i) => [
      uris[i],
      result.status === 'fulfilled' ? result.value : { failure: asError(result.reason) },
    ]),
  );
}

interface Group {
  readonly model: Resolved;
  readonly positions: readonly number[];
}

/** Questions of one call each; with `combine` those of different judges that share a model, a few at a time. */
function groupsOf(
  questions: readonly PlannedQuestion[],
  { models, combine }: { models: ReadonlyMap<string | undefined, Resolved>; combine: boolean },
): readonly Group[] {
  const modelOf = (i: number) => models.get(questions[i]?.question.model) as Resolved;
  const positions = questions.map((_, i) => i);
  const isShared = (i: number) => combine && canCombine((questions[i] as PlannedQuestion).question);
  const alone = positions.filter((i) => !isShared(i)).map((i) => ({ model: modelOf(i), positions: [i] }));
  const byModel = Map.groupBy(positions.filter(isShared), (i) => uriOf(modelOf(i)));
  const shared = [...byModel.values()].flatMap((members) => chunk(members, maxCombined));
  return [...shared.map((members) => ({ model: modelOf(members[0] as number), positions: members })), ...alone];
}

function uriOf(model: Resolved): string {
  return 'failure' in model ? '' : model.uri;
}

async function answersOf(
  asked: readonly PlannedQuestion[],
  { model, deps }: { model: Resolved; deps: RunJudgesDeps },
): Promise<readonly Answer[]> {
  if ('failure' in model) return asked.map(() => ({ failure: model.failure }));
  const { code, now, limits, time } = deps;
  const modelFor = (payers: readonly ScopedQuestion[]) =>
    deps.paidBy([...new Set(payers.map(({ scorer }) => scorer))], model);
  try {
    const [only, ...more] = asked;
    const verdicts =
      only && more.length === 0
        ? [await askQuestion(only.question, { model: modelFor(asked), code, now, limits, time, scope: only.scope })]
        : await askCombined(asked, { modelFor, code, now, limits, time });
    return verdicts.map((verdict) => ({ verdict }));
  } catch (error) {
    return asked.map(() => ({ failure: asError(error) }));
  }
}

function outcomeOf(
  judge: Judge,
  { plan, answers, deps }: { plan: JudgePlan; answers: readonly Answer[]; deps: RunJudgesDeps },
): JudgeOutcome {
  const failures = answers.flatMap((answer) => ('failure' in answer ? [answer.failure] : []));
  // What someone has to mend is told before what mends itself.
  const failure = failures.find((error) => error instanceof JudgeMisconfiguredError) ?? failures[0];
  if (failure) return { failure };
  const verdicts = answers.flatMap((answer) => ('verdict' in answer ? [answer.verdict] : []));
  const records = verdicts.map(({ record }) => record);
  return {
    results: plan.conclude(verdicts).map((conclusion) => judged(conclusion, { judge, records, deps })),
    records,
    spent: spentOn(records, deps.costOf),
  };
}

function judged(
  { from, isComputed = false, ...result }: Conclusion,
  { judge, records, deps }: { judge: Judge; records: readonly JudgementRecord[]; deps: RunJudgesDeps },
): JudgedResult {
  const paid = from.flatMap((position) => records[position] ?? []);
  const model = isComputed ? undefined : (paid[0] ?? records[0])?.model;
  return {
    ...result,
    metadata: {
      ...result.metadata,
      ...(model !== undefined && { 'assay.model': model }),
      ...judgementMetadata(paid, deps.costOf),
    },
    source: model === undefined ? { type: 'CODE', id: judge.name } : { type: 'LLM_JUDGE', id: model },
  };
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
