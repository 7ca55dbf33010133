import * as z from 'zod';
import type { Budget, BudgetBook, BudgetLimits } from '../domain/judging/budget.ts';
import { experimentKey } from './registry-items.ts';

/**
 * The budgets of an experiment are one item of the registry: what identifies and limits them in a list, what has been booked on them
 * in attributes of their own, `<id>` and two letters, so that one update adds to all that a call concerns.
 */
export function budgetsKey(experimentId: string): { pk: string; sk: string } {
  return { pk: experimentKey(experimentId), sk: 'budgets' };
}

/** By what is counted: of the day, of the month, of these what is open; dollars and tokens. */
export const countsOf = [
  { letters: 'du', of: 'day', unit: 'nanoUsd' },
  { letters: 'dt', of: 'day', unit: 'tokens' },
  { letters: 'mu', of: 'month', unit: 'nanoUsd' },
  { letters: 'mt', of: 'month', unit: 'tokens' },
  { letters: 'ou', of: 'open', unit: 'nanoUsd' },
  { letters: 'ot', of: 'open', unit: 'tokens' },
] as const;

const limit = z.number().optional();
const budgetsItem = z.looseObject({
  v: z.literal(1),
  version: z.number(),
  day: z.string(),
  reservedAt: z.number(),
  budgets: z.array(
    z.object({
      id: z.string(),
      scorer: z.string().optional(),
      limits: z.object({
        nanoUsdPerDay: limit,
        nanoUsdPerMonth: limit,
        tokensPerDay: limit,
        tokensPerMonth: limit,
      }),
    }),
  ),
});

export function fromBudgetsItem(experimentId: string, item: Record<string, unknown>): BudgetBook {
  const { version, day, reservedAt, budgets, ...counts } = budgetsItem.parse(item);
  const amount = (id: string, of: (typeof countsOf)[number]['of']) => {
    const [usd, tokens] = countsOf.filter((count) => count.of === of).map(({ letters }) => counts[`${id}${letters}`]);
    return { nanoUsd: Number(usd ?? 0), tokens: Number(tokens ?? 0) };
  };
  return {
    experimentId,
    version,
    day,
    reservedAt,
    budgets: budgets.map(({ id, scorer, limits }) => ({
      id,
      ...(scorer !== undefined && { scorer }),
      limits: limits as BudgetLimits,
      day: amount(id, 'day'),
      month: amount(id, 'month'),
      open: amount(id, 'open'),
    })),
  };
}

export function toBudgetList(budgets: readonly Pick<Budget, 'id' | 'scorer' | 'limits'>[]): readonly object[] {
  return budgets.map(({ id, scorer, limits }) => ({ id, scorer, limits }));
}
