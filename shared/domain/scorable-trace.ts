import type { JsonValue, Span } from './span.ts';
import type { SpanFacts } from './span-facts.ts';
import type { TraceFacts } from './trace.ts';

/** A trace as a scorer sees it. */
export interface ScorableTrace {
  readonly traceId: string;
  readonly experimentId: string;
  readonly facts: TraceFacts;
  /** By start time, each once. */
  readonly spans: readonly ScorableSpan[];
  /** Of the root span, parsed where they are JSON; undefined where it has none. */
  readonly inputs?: JsonValue;
  readonly outputs?: JsonValue;
  /** Expectations that people logged, by name. */
  readonly expectations: Readonly<Record<string, JsonValue>>;
}

export interface ScorableSpan {
  readonly span: Span;
  readonly facts: SpanFacts;
}
