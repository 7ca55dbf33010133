import { SandboxUnavailableError } from '../../code/run-code.ts';
import type { ScorableTrace } from '../../scorable-trace.ts';
import type { ScorerResult } from '../../scorer.ts';
import type { JsonValue } from '../../span.ts';
import { readYesNo } from '../answer/yes-no.ts';
import type { EnsembleFunction, ScorerMember } from '../definition.ts';
import type { Conclusion, Judge, JudgePlan } from '../judge.ts';

export type Member = Judge | ScorerMember;

/**
 * Several scorers whose values make one. The questions of all are asked side by side; where one of them gives no value there is none of the
 * whole, and the error says which failed and why.
 * @throws SandboxUnavailableError when the code of one could not be run: nothing was found out about the trace
 */
export async function ensemblePlan(
  members: readonly Member[],
  { combine, traces }: { combine: EnsembleFunction; traces: readonly ScorableTrace[] },
): Promise<JudgePlan> {
  const plans = await Promise.all(members.map((member) => planOf(member, traces)));
  return {
    questions: plans.flatMap(({ questions }) => questions),
    conclude: (verdicts) => {
      let next = 0;
      const parts = plans.map((plan, i) => {
        const own = verdicts.slice(next, next + plan.questions.length);
        next += plan.questions.length;
        return { name: members[i]?.name ?? '', results: plan.conclude(own) };
      });
      const isComputed = verdicts.length === 0;
      return [{ ...combined(parts, combine), from: verdicts.map((_, i) => i), ...(isComputed && { isComputed }) }];
    },
  };
}

async function planOf(member: Member, traces: readonly ScorableTrace[]): Promise<JudgePlan> {
  if ('plan' in member) return member.plan(traces);
  const results = await scored(member, traces);
  return { questions: [], conclude: () => results.map((result) => ({ ...result, from: [], isComputed: true })) };
}

async function scored({ scorer }: ScorerMember, [trace]: readonly ScorableTrace[]): Promise<readonly ScorerResult[]> {
  if (trace === undefined) return [];
  try {
    return await scorer.score(trace);
  } catch (error) {
    if (error instanceof SandboxUnavailableError) throw error;
    return [
      { value: null, error: { code: 'SCORER_ERROR', message: error instanceof Error ? error.message : String(error) } },
    ];
  }
}

interface Part {
  readonly name: string;
  readonly results: readonly Conclusion[];
}

function combined(parts: readonly Part[], combine: EnsembleFunction): ScorerResult {
  const metadata = { 'mlflow.ensemble.sub_feedbacks': JSON.stringify(parts.flatMap(subFeedbacks)) };
  const values = parts.map(singleValue);
  const failures = values.flatMap((value, i) => ('failure' in value ? [`${parts[i]?.name}: ${value.failure}`] : []));
  if (failures.length > 0)
    return {
      value: null,
      error: { code: 'INCOMPLETE', message: `not every member gave a value: ${failures.join('; ')}` },
      metadata,
    };
  const result = aggregators[combine](values.flatMap((value) => ('value' in value ? [value.value] : [])));
  if ('problem' in result)
    return { value: null, error: { code: 'INVALID_MEMBER_VALUE', message: result.problem }, metadata };
  return { value: result.value, rationale: `${titles[combine]} of ${parts.length} scorers.`, metadata };
}

type Scalar = string | number | boolean;

function singleValue({ results: [only, ...more] }: Part): { value: Scalar } | { failure: string } {
  if (only === undefined) return { failure: 'it gave no result' };
  if (more.length > 0)
    return { failure: `it gives ${more.length + 1} results, an ensemble takes scorers that give one` };
  if (only.error) return { failure: `${only.error.code}: ${only.error.message}` };
  const { value } = only;
  if (value === null || typeof value === 'object')
    return {
      failure: `its value is ${JSON.stringify(value)?.slice(0, 100)}, an ensemble takes texts, numbers and truth values`,
    };
  return { value };
}

type Aggregated = { readonly value: JsonValue } | { readonly problem: string };

const aggregators: Readonly<Record<EnsembleFunction, (values: readonly Scalar[]) => Aggregated>> = {
  majority_vote: (values) => ({ value: mostFrequent(values) }),
  mean: (values) => numeric(values, (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length),
  minimum: (values) => numeric(values, (numbers) => Math.min(...numbers)),
  maximum: (values) => numeric(values, (numbers) => Math.max(...numbers)),
  agg_all: (values) => truthy(values, (truths) => truths.every(Boolean)),
  agg_any: (values) => truthy(values, (truths) => truths.some(Boolean)),
};

const titles: Readonly<Record<EnsembleFunction, string>> = {
  majority_vote: 'Majority vote',
  mean: 'Mean',
  minimum: 'Minimum',
  maximum: 'Maximum',
  agg_all: 'All',
  agg_any: 'Any',
};

/** Of values that are as frequent, the one whose text comes first. */
function mostFrequent(values: readonly Scalar[]): Scalar {
  const counts = new Map<Scalar, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const most = Math.max(...counts.values());
  const winners = [...counts].filter(([, count]) => count === most).map(([value]) => value);
  return winners.toSorted((a, b) => (String(a) < String(b) ? -1 : 1))[0] as Scalar;
}

function numeric(values: readonly Scalar[], aggregate: (numbers: readonly number[]) => number): Aggregated {
  const odd = values.find((value) => typeof value === 'string');
  if (odd !== undefined)
    return {
      problem: `the function takes numbers, a member gave ${JSON.stringify(odd)}; majority_vote takes categories`,
    };
  return { value: aggregate(values.map(Number)) };
}

function truthy(values: readonly Scalar[], aggregate: (truths: readonly boolean[]) => boolean): Aggregated {
  const truths = values.map((value) => (typeof value === 'number' ? undefined : readYesNo(value)));
  const odd = values[truths.indexOf(undefined)];
  if (odd !== undefined)
    return {
      problem: `the function takes yes or no, a member gave ${JSON.stringify(odd)}; majority_vote takes categories`,
    };
  return { value: aggregate(truths.map(Boolean)) };
}

const maxRationale = 1_000;

/** What each member found, as MLflow's feedback entities. */
function subFeedbacks({ name, results }: Part): readonly object[] {
  return results.map((result) => ({
    assessment_name: result.name ?? name,
    source: { source_type: result.isComputed ? 'CODE' : 'LLM_JUDGE', source_id: name },
    feedback: result.error
      ? { value: null, error: { error_code: result.error.code, error_message: result.error.message } }
      : { value: result.value },
    rationale: result.rationale?.slice(0, maxRationale) ?? null,
  }));
}
