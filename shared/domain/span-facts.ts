import type { Cost, TokenUsage } from './trace.ts';

/** MLflow's names of span types; a dialect that has none yields UNKNOWN. */
export type SpanType =
  | 'LLM'
  | 'CHAT_MODEL'
  | 'CHAIN'
  | 'AGENT'
  | 'TOOL'
  | 'RETRIEVER'
  | 'EMBEDDING'
  | 'RERANKER'
  | 'PARSER'
  | 'MEMORY'
  | 'WORKFLOW'
  | 'TASK'
  | 'GUARDRAIL'
  | 'EVALUATOR'
  | 'UNKNOWN';

/** What one span says in whatever dialect it speaks. */
export interface SpanFacts {
  readonly type: SpanType;
  readonly inputs?: SpanText;
  readonly outputs?: SpanText;
  readonly model?: string;
  readonly provider?: string;
  readonly tokens?: TokenUsage;
  readonly cost?: Cost;
  readonly tool?: ToolFacts;
  readonly sessionId?: string;
  readonly userId?: string;
}

/** A large text of a span. */
export interface SpanText {
  /** JSON text where the value is structured or is JSON, else the plain text. */
  readonly text: string;
  /** The string attribute that is this text verbatim; absent where the text was put together from several places. */
  readonly attribute?: string;
}

export interface ToolFacts {
  readonly name: string;
  /** The call failed: span status ERROR, an exception event, or a result that says it is an error. */
  readonly failed: boolean;
}
