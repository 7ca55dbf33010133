import { ApiError } from '../api-error.ts';
import type { Clock } from '../ports.ts';

/** Counts what was read and refuses to go on where a caller who waits could not be answered. */
export interface ReadingBudget {
  /** Of so many more traces, the earliest of which began at `backTo`, epoch ms. */
  take(traces: number, backTo: number): void;
}

/**
 * What answers while a caller waits: the function has 29 s. Measured on one of the function's size (0.58 of a core), a thousand
 * traces take about 0.15 s to find and read, 1.7 s with their assessments (a query each), 4 s with their spans (an object read,
 * decompressed and decoded each).
 */
export const readingLimits = { traces: 50_000, assessments: 5_000, spans: 2_500 } as const;
const maxMs = 22_000;

export interface BudgetOptions {
  readonly what: keyof typeof readingLimits;
  readonly now: Clock;
  /** What the caller can do to ask for less. */
  readonly advice: string;
}

/** An answer is exact or there is none: a part of the range would look like all of it. */
export function readingBudget({ what, now, advice }: BudgetOptions): ReadingBudget {
  const [startedAt, limit] = [now(), readingLimits[what]];
  let taken = 0;
  return {
    take(traces, backTo) {
      const isLate = now() - startedAt > maxMs;
      if (taken + traces <= limit && !isLate) {
        taken += traces;
        return;
      }
      const parts = what === 'traces' ? 'traces' : `traces whose ${what} must be read`;
      const bound = isLate ? `after ${maxMs / 1000} s ${taken} were read` : `at most ${limit} are read at once`;
      throw new ApiError(
        'INVALID_PARAMETER_VALUE',
        `the range holds more ${parts} than can be answered exactly while you wait: ${bound}, from its end back to about ` +
          `${new Date(backTo).toISOString()}. ${advice}, or ask the archive by SQL`,
      );
    },
  };
}
