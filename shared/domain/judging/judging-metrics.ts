/** `misconfigured`: its scorer is paused until somebody mends something. */
export type HeldBy = 'budget' | 'throttled' | 'unavailable' | 'unpriced' | 'misconfigured';

export type JudgingEnd =
  | { readonly kind: 'judged' }
  /** The code of the assessment's error. */
  | { readonly kind: 'failed'; readonly code: string }
  | { readonly kind: 'held'; readonly by: HeldBy };

/** What the calls of an evaluation took. */
export interface Spent {
  /** URIs; empty: without a model. */
  readonly models: readonly string[];
  readonly usd: number;
  readonly tokens: number;
  /** Answers that were there already, and took nothing. */
  readonly reused: number;
}

export const nothingSpent: Spent = { models: [], usd: 0, tokens: 0, reused: 0 };

/** What became of one evaluation of one scorer. */
export interface JudgingEvent extends Spent {
  readonly experimentId: string;
  readonly scorer: string;
  readonly outcome: JudgingEnd;
  /** From the arrival of the last span, or the end of a session's idle time, to the assessment; absent where there is none. */
  readonly secondsToAssessment?: number;
}

export interface JudgingMetrics {
  note(event: JudgingEvent): void;
  /** Writes what was noted: at the end of each invocation. */
  flush(): void;
}
