import { type Amount, nothing, sum } from './judge-price.ts';

/** What may be spent; absent: without bound. Money in billionths of a dollar. Days and months are those of UTC. */
export interface BudgetLimits {
  readonly nanoUsdPerDay?: number;
  readonly nanoUsdPerMonth?: number;
  readonly tokensPerDay?: number;
  readonly tokensPerMonth?: number;
}

/** A budget with what has been booked on it: spent, or reserved by calls under way. */
export interface Budget {
  /** Never given again in its experiment. */
  readonly id: string;
  /** Absent: the budget of all scorers of the experiment together. */
  readonly scorer?: string;
  readonly limits: BudgetLimits;
  /** Of the book's day, and of its month. */
  readonly day: Amount;
  readonly month: Amount;
  /** Of these, what calls under way have reserved; also what calls that died had, while others go on. */
  readonly open: Amount;
}

/** All budgets of an experiment: they are booked together. */
export interface BudgetBook {
  readonly experimentId: string;
  /** Raised by each change of limits; 0 where none were ever set. */
  readonly version: number;
  /** `2026-11-21`, in UTC: the day that is booked on, and by its first seven characters the month. */
  readonly day: string;
  /** When something was last reserved, epoch ms. */
  readonly reservedAt: number;
  readonly budgets: readonly Budget[];
}

/** What one write adds to a book, if that has its version and its day. */
export interface BookEntry {
  readonly experimentId: string;
  readonly version: number;
  readonly day: string;
  /** Present where something is reserved: then no limit of a line may be exceeded. Epoch ms. */
  readonly reservedAt?: number;
  /**
   * When something was last reserved, where that was so long ago that calls which have not settled must be dead: `open` begins anew,
   * if nothing has been reserved since.
   */
  readonly quietSince?: number;
  readonly lines: readonly BookLine[];
}

/** Amounts to add to one budget; negative where less was spent than had been reserved. */
export interface BookLine {
  readonly id: string;
  readonly day: Amount;
  readonly month: Amount;
  readonly open: Amount;
}

export interface BudgetStore {
  /** Read consistently. */
  read(experimentId: string): Promise<BudgetBook>;
  /** Adds an entry in one write. False: the book has another version or day, or a reservation exceeds a limit. Not to be repeated by itself. */
  book(entry: BookEntry, limits: ReadonlyMap<string, BudgetLimits>): Promise<boolean>;
  /** Begins a new day, and with it perhaps a month, of the book that was read; false where another was first. */
  turn(book: BudgetBook, day: string): Promise<boolean>;
  /** Replaces the budgets (with their limits; what has been booked on those that stay is kept) of the book that was read; false where another was first. */
  replace(book: BudgetBook, budgets: readonly Pick<Budget, 'id' | 'scorer' | 'limits'>[]): Promise<boolean>;
}

export type BudgetPeriod = 'day' | 'month';

/** A budget does not allow a call now. */
export class BudgetExhaustedError extends Error {
  override readonly name = 'BudgetExhaustedError';
  readonly scope: { readonly experimentId: string; readonly scorer?: string };
  readonly period: BudgetPeriod;
  readonly unit: keyof Amount;
  /** `reserved`: calls under way may give back enough; `spent`: nothing does before the next period. */
  readonly reason: 'spent' | 'reserved';
  /** When it is worth asking again, epoch ms. */
  readonly until: number;

  constructor({
    scope,
    period,
    unit,
    reason,
    until,
  }: Pick<BudgetExhaustedError, 'scope' | 'period' | 'unit' | 'reason' | 'until'>) {
    const whose = scope.scorer === undefined ? `experiment ${scope.experimentId}` : `scorer ${scope.scorer}`;
    const what = `the ${unit === 'nanoUsd' ? 'US$' : 'tokens'} of ${whose} per ${period}`;
    super(`${what} are ${reason}: not enough for this call before ${new Date(until).toISOString()}`);
    this.scope = scope;
    this.period = period;
    this.unit = unit;
    this.reason = reason;
    this.until = until;
  }
}

/** What it would cost cannot be told, and a budget in US$ is set: the scorer waits for a price, or for a budget in tokens alone. */
export class UnpricedModelError extends Error {
  override readonly name = 'UnpricedModelError';
  readonly uri: string;

  constructor(uri: string) {
    super(
      `model ${uri} has no known price, and a budget in US$ is set: name a model with a price, or set a budget in tokens`,
    );
    this.uri = uri;
  }
}

export function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

export function monthOf(day: string): string {
  return day.slice(0, 7);
}

/** When the period of a day is over, epoch ms. */
function endOf(period: BudgetPeriod, day: string): number {
  const date = new Date(`${day}T00:00:00Z`);
  return period === 'day' ? date.getTime() + 86_400_000 : Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
}

/** The book as it is on a day, whether or not that has been written; a day that is over does not come back. */
export function asOf(book: BudgetBook, day: string): BudgetBook {
  if (day <= book.day) return book;
  const isNewMonth = monthOf(day) > monthOf(book.day);
  const budgets = book.budgets.map((budget) => ({ ...budget, day: nothing, ...(isNewMonth && { month: nothing }) }));
  return { ...book, day, budgets };
}

/** The book after an entry; undefined where it does not take it. What stores do in one write. */
export function booked(book: BudgetBook, entry: BookEntry): BudgetBook | undefined {
  if (entry.version !== book.version || entry.day !== book.day) return undefined;
  if (entry.quietSince !== undefined && entry.quietSince !== book.reservedAt) return undefined;
  const budgets = book.budgets.map((budget) => {
    const line = entry.lines.find(({ id }) => id === budget.id);
    if (!line) return budget;
    const open = entry.quietSince !== undefined ? line.open : sum(budget.open, line.open);
    return { ...budget, day: sum(budget.day, line.day), month: sum(budget.month, line.month), open };
  });
  if (entry.reservedAt === undefined) return { ...book, budgets };
  const concerned = budgets.filter(({ id }) => entry.lines.some((line) => line.id === id));
  if (concerned.some((budget) => boundsOf(budget.limits).some(({ period, unit, most }) => budget[period][unit] > most)))
    return undefined;
  return { ...book, reservedAt: Math.max(book.reservedAt, entry.reservedAt), budgets };
}

interface Bound {
  readonly period: BudgetPeriod;
  readonly unit: keyof Amount;
  readonly most: number;
}

export function boundsOf(limits: BudgetLimits): readonly Bound[] {
  const all = [
    { period: 'day', unit: 'nanoUsd', most: limits.nanoUsdPerDay },
    { period: 'day', unit: 'tokens', most: limits.tokensPerDay },
    { period: 'month', unit: 'nanoUsd', most: limits.nanoUsdPerMonth },
    { period: 'month', unit: 'tokens', most: limits.tokensPerMonth },
  ] as const;
  return all.flatMap(({ most, ...bound }) => (most === undefined ? [] : [{ ...bound, most }]));
}

/** No call lasts so long: the function that makes it is given less time. What nobody settled by then, nobody will. */
export const longestCallMs = 5 * 60_000;
/** In which calls under way will have settled, most of them. */
const callMs = 30_000;

/** Whether calls that have reserved can still be under way. */
export function isQuiet({ reservedAt }: Pick<BudgetBook, 'reservedAt'>, now: number): boolean {
  return now - reservedAt > longestCallMs;
}

/** Why a budget does not take an amount more, if so: of several reasons the one that lasts longest. */
export function refusalOf(
  book: BudgetBook,
  { budget, amount, now }: { budget: Budget; amount: Amount; now: number },
): BudgetExhaustedError | undefined {
  const open = isQuiet(book, now) ? nothing : budget.open;
  const refusals = boundsOf(budget.limits)
    .filter(({ period, unit, most }) => budget[period][unit] + amount[unit] > most)
    .map(({ period, unit, most }) => {
      const isSpent = budget[period][unit] - Math.max(0, open[unit]) + amount[unit] > most;
      const until = isSpent ? endOf(period, book.day) : now + callMs;
      return { period, unit, until, reason: isSpent ? ('spent' as const) : ('reserved' as const) };
    });
  const worst = refusals.toSorted((a, b) => b.until - a.until)[0];
  if (!worst) return undefined;
  const scope = { experimentId: book.experimentId, ...(budget.scorer !== undefined && { scorer: budget.scorer }) };
  return new BudgetExhaustedError({ scope, ...worst });
}
