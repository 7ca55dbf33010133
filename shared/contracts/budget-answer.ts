import type { Budget, BudgetLimits } from '../domain/judging/budget.ts';

/** Limits as requests say them: US$ and tokens; what is null or absent is without bound. */
interface SaidLimits {
  readonly usd_per_day?: number | null | undefined;
  readonly usd_per_month?: number | null | undefined;
  readonly tokens_per_day?: number | null | undefined;
  readonly tokens_per_month?: number | null | undefined;
}

const nano = 1e9;

export function toLimits(said: SaidLimits): BudgetLimits {
  const {
    usd_per_day: usdDay,
    usd_per_month: usdMonth,
    tokens_per_day: tokensDay,
    tokens_per_month: tokensMonth,
  } = said;
  return {
    ...(usdDay != null && { nanoUsdPerDay: Math.round(usdDay * nano) }),
    ...(usdMonth != null && { nanoUsdPerMonth: Math.round(usdMonth * nano) }),
    ...(tokensDay != null && { tokensPerDay: tokensDay }),
    ...(tokensMonth != null && { tokensPerMonth: tokensMonth }),
  };
}

/** A budget as the API answers it; `spent` counts what calls under way have reserved, which `reserved` tells apart. */
export function budgetAnswer(experimentId: string, { scorer, limits, day, month, open }: Budget) {
  const usd = (nanoUsd: number | undefined) => (nanoUsd === undefined ? undefined : nanoUsd / nano);
  return {
    experiment_id: experimentId,
    ...(scorer !== undefined && { scorer_name: scorer }),
    usd_per_day: usd(limits.nanoUsdPerDay),
    usd_per_month: usd(limits.nanoUsdPerMonth),
    tokens_per_day: limits.tokensPerDay,
    tokens_per_month: limits.tokensPerMonth,
    spent: {
      usd_today: day.nanoUsd / nano,
      usd_this_month: month.nanoUsd / nano,
      tokens_today: day.tokens,
      tokens_this_month: month.tokens,
    },
    reserved: { usd: Math.max(0, open.nanoUsd) / nano, tokens: Math.max(0, open.tokens) },
  };
}
