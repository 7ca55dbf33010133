type HeldBy = 'budget' | 'throttled' | 'unavailable' | 'unpriced';

/** What became of one evaluation of one scorer. */
export interface JudgingEvent {
  readonly experimentId: string;
  readonly scorer: string;
  /** URI; absent: without a model. */
  readonly model?: string | undefined;
  readonly outcome:
    | { readonly kind: 'judged' }
    /** The code of the assessment's error. */
    | { readonly kind: 'failed'; readonly code: string }
    | { readonly kind: 'held'; readonly by: HeldBy };
  /** From the completion of the trace to the assessment; absent where the trace was complete long before it was to be judged (a backfill). */
  readonly secondsToAssessment?: number | undefined;
  /** Of its calls; nothing where the answers were there already. */
  readonly nanoUsd?: number | undefined;
  readonly tokens?: number | undefined;
  /** The answer was there already. */
  readonly cached?: boolean | undefined;
}

export interface JudgingMetrics {
  note(event: JudgingEvent): void;
  /** Writes what was noted: at the end of each invocation. */
  flush(): void;
}
