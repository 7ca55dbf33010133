import type { Assessment, Trace } from './assay-api.ts';

/** MLflow's name, since 3.17, of the metadata that says which scorer an assessment is by. */
const scorerNameKey = 'mlflow.assessment.scorerName';

function scorerOf({ metadata }: Assessment): string | undefined {
  return metadata?.[scorerNameKey];
}

/** The assessments of a trace that scorers made: all, or those of one. */
export function judgementsOf({ trace_info }: Pick<Trace, 'trace_info'>, scorerName?: string): readonly Assessment[] {
  return (trace_info.assessments ?? []).filter((assessment) => {
    const by = scorerOf(assessment);
    return by !== undefined && (scorerName === undefined || by === scorerName);
  });
}

/** What an assessment says of the judgement that it stands for. */
export interface Paid {
  /** Answers of a model, those left out that were there from before. */
  readonly calls: number;
  readonly reused: number;
  readonly tokens: number;
  /** Billionths of a US$: whole numbers, of which sums are exact. */
  readonly nanoUsd: number;
}

/** What assessments have cost together, as their metadata tell it. */
export function paidFor(assessments: readonly Assessment[]): Paid {
  const total = (key: string) => assessments.reduce((sum, { metadata }) => sum + Number(metadata?.[key] ?? 0), 0);
  const reused = total('assay.cachedCalls');
  return {
    calls: total('assay.judgeCalls') - reused,
    reused,
    tokens: total('mlflow.assessment.judgeInputTokens') + total('mlflow.assessment.judgeOutputTokens'),
    nanoUsd: assessments.reduce((sum, { metadata }) => sum + toNano(metadata?.['mlflow.assessment.judgeCost']), 0),
  };
}

/** The billionths of an amount in US$. */
export function toNano(usd: string | number = 0): number {
  return Math.round(Number(usd) * 1e9);
}

/** yes counts as 1, no as 0, a number as itself; undefined for what has no value, such as an error. */
export function scoreOf({ feedback }: Assessment): number | undefined {
  const value = feedback?.value;
  if (typeof value === 'number') return value;
  return value === 'yes' || value === true ? 1 : value === 'no' || value === false ? 0 : undefined;
}
