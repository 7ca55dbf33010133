import { ApiError } from '../api-error.ts';
import type { Clock } from '../ports.ts';

/** Counts what was read and refuses to go on where a caller who waits could not be answered. */
export interface ReadingBudget {
  /** Of so many more traces, the earliest of which began at `backTo`, epoch ms. */
  take(traces: number, backTo: number): void;
}

/**
 * What answers while a caller waits: the function has 29 s and 0.58 of a core (1 GB). Measured through the AWS SDK, a thousand traces
 * take 0.09 s of a core to find and read, 0.2 s with two assessments each, 1.2 s with spans of 20 KB (an object read, decompressed and
 * decoded each): at these bounds 7 to 10 s. What is larger ends at the bound of time.
 */
export const readingLimits = { traces: 50_000, assessments: 20_000, spans: 5_000 } as const;
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
