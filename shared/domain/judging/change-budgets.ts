import { ApiError } from '../api-error.ts';
import { untilWritten } from '../until-written.ts';
import type { Budget, BudgetBook, BudgetLimits, BudgetStore } from './budget.ts';

/** Of scorers 20 are active at once. One write has to name all counters of all budgets (expressions of DynamoDB: 4 KB). */
const maxBudgets = 30;

/** Whose budget: a scorer's, or without one the whole experiment's. */
export interface BudgetOwner {
  readonly experimentId: string;
  readonly scorer?: string | undefined;
}

/** Sets all limits of a budget; what has been spent since it was first set still counts. Throws ApiError. */
export async function setBudget(
  store: Pick<BudgetStore, 'read' | 'replace'>,
  { experimentId, scorer }: BudgetOwner,
  limits: BudgetLimits,
): Promise<void> {
  await change(store, experimentId, (book) => {
    const known = book.budgets.find((budget) => budget.scorer === scorer);
    if (known) return book.budgets.map((budget) => (budget === known ? { ...known, limits } : budget));
    if (book.budgets.length >= maxBudgets)
      throw new ApiError(
        'INVALID_PARAMETER_VALUE',
        `an experiment has at most ${maxBudgets} budgets: remove one first`,
      );
    return [...book.budgets, { id: `b${book.version + 1}`, ...(scorer !== undefined && { scorer }), limits }];
  });
}

/** Ends a budget; one set anew begins at nothing. False where there is none. */
export async function removeBudget(
  store: Pick<BudgetStore, 'read' | 'replace'>,
  { experimentId, scorer }: BudgetOwner,
): Promise<boolean> {
  const book = await store.read(experimentId);
  if (!book.budgets.some((budget) => budget.scorer === scorer)) return false;
  await change(store, experimentId, ({ budgets }) => budgets.filter((budget) => budget.scorer !== scorer));
  return true;
}

async function change(
  store: Pick<BudgetStore, 'read' | 'replace'>,
  experimentId: string,
  next: (book: BudgetBook) => readonly Pick<Budget, 'id' | 'scorer' | 'limits'>[],
): Promise<void> {
  await untilWritten(`the budgets of experiment ${experimentId} are`, async () => {
    const book = await store.read(experimentId);
    const budgets = next(book);
    return (await store.replace(book, budgets)) ? budgets : undefined;
  });
}
