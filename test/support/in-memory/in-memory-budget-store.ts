import { asOf, type BudgetBook, type BudgetStore, booked } from '../../../shared/domain/judging/budget.ts';
import { nothing } from '../../../shared/domain/judging/judge-price.ts';

/** A budget store for instances of one test; `calls` counts what a table would be asked. */
export function inMemoryBudgetStore(): BudgetStore & { readonly calls: { reads: number; writes: number } } {
  const books = new Map<string, BudgetBook>();
  const calls = { reads: 0, writes: 0 };
  const bookOf = (experimentId: string): BudgetBook =>
    books.get(experimentId) ?? { experimentId, version: 0, day: '1970-01-01', reservedAt: 0, budgets: [] };
  const isSame = (a: BudgetBook, b: BudgetBook) => a.version === b.version && a.day === b.day;
  return {
    calls,

    async read(experimentId) {
      calls.reads++;
      return bookOf(experimentId);
    },

    async book(entry) {
      calls.writes++;
      const next = booked(bookOf(entry.experimentId), entry);
      if (next) books.set(entry.experimentId, next);
      return next !== undefined;
    },

    async turn(book, day) {
      calls.writes++;
      const current = bookOf(book.experimentId);
      if (!isSame(book, current)) return false;
      books.set(book.experimentId, asOf(current, day));
      return true;
    },

    async replace(book, budgets) {
      calls.writes++;
      const current = bookOf(book.experimentId);
      if (current.version !== book.version) return false;
      const counted = budgets.map((budget) => {
        const {
          day = nothing,
          month = nothing,
          open = nothing,
        } = current.budgets.find(({ id }) => id === budget.id) ?? {};
        return { ...budget, day, month, open };
      });
      books.set(book.experimentId, { ...current, version: book.version + 1, budgets: counted });
      return true;
    },
  };
}
