/** What Assay knows of a trace without reading its spans: the `info` item of the index. */
export interface TraceInfo {
  /** `tr-` and the 32 hex digits of the OpenTelemetry trace id, as MLflow spells it. */
  readonly traceId: string;
  /** Decimal, below 2^31. The experiment in which the trace id arrived first owns the trace. */
  readonly experimentId: string;
  readonly facts: TraceFacts;
  /** Where the spans lie. The first one is the block that founded the item, or the one the blocks were merged into. */
  readonly blocks: readonly BlockRef[];
  /** Raised by every change of the facts; a writer names the revision it read. */
  readonly revision: number;
  /** `open`: no ended root yet, or blocks not yet merged. `complete`: a root has ended. `incomplete`: closed without one after being idle. */
  readonly completeness: Completeness;
  /** When a span last arrived, epoch ms. */
  readonly lastArrivalAt: number;
  /** When something is due for an unfinished trace, epoch ms; absent when nothing is. */
  readonly dueAt?: number;
  /** Absent until the sampling of the trace has been decided. */
  readonly decision?: TraceDecision;
  /** What was said of the trace beside its spans; absent where nothing was. */
  readonly explicit?: Explicit;
  /**
   * Ids under which assessments of the trace are kept, so that a search reads them without asking trace by trace. Kept by whoever
   * writes assessments, up to `maxKnownAssessments`; from then on there may be others.
   */
  readonly assessmentIds?: readonly string[];
}

/** More ids than this do not stand on the trace itself: a trace with thousands of assessments stays one small item. */
export const maxKnownAssessments = 100;

/**
 * What was said of a trace explicitly: by the client that ended it, or by people who tagged it. Here are the names of what was said,
 * the values stand in the facts: when these are derived of more spans, what was said stays.
 */
export interface Explicit {
  readonly fields: readonly ExplicitField[];
  /** Keys of tags that were set. */
  readonly tags: readonly string[];
  /** Keys of tags that were deleted, though a span may say them. */
  readonly removedTags: readonly string[];
  readonly metadata: readonly string[];
  /** Spans that the client counted when the trace ended. */
  readonly spanCount?: number;
}

/** Facts that a client may say itself. */
export type ExplicitField =
  | 'requestTime'
  | 'durationMs'
  | 'state'
  | 'requestPreview'
  | 'responsePreview'
  | 'clientRequestId'
  | 'tokens'
  | 'cost'
  | 'linkedRuns';

export type Completeness = 'open' | 'complete' | 'incomplete';

/** One zstd-compressed OTLP TracesData of one trace inside a segment object. */
export interface BlockRef {
  /** First 32 hex digits of the sha256 of the uncompressed bytes. */
  readonly hash: string;
  /** Key of the segment in the trace store. */
  readonly key: string;
  readonly offset: number;
  readonly length: number;
}

/** The sampling decision of a trace, made once, by one version of the rules. */
export interface TraceDecision {
  readonly rulesVersion: number;
  /** Epoch ms. */
  readonly decidedAt: number;
  /** Names of the scorers that were selected. */
  readonly selected: readonly string[];
}

/** Everything derived about a trace: a pure function of the set of its spans and of what was said explicitly. */
export interface TraceFacts {
  /** Earliest start of a span, epoch ms. */
  readonly requestTime: number;
  /** From the earliest start to the latest end, ms, never negative. */
  readonly durationMs: number;
  /** Of the root's status: UNSET counts as OK. IN_PROGRESS while no root has ended. */
  readonly state: 'OK' | 'ERROR' | 'IN_PROGRESS';
  /** The root span's name. */
  readonly name?: string;
  /** The first bytes of the root's inputs and outputs as JSON text, at most 300 bytes each. */
  readonly requestPreview?: string;
  readonly responsePreview?: string;
  readonly clientRequestId?: string;
  readonly sessionId?: string;
  readonly userId?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tokens?: TokenUsage;
  readonly cost?: Cost;
  /** Distinct model names of LLM spans, in the order of their first use. */
  readonly models: readonly string[];
  readonly spanCount: number;
  /** Spans whose status is ERROR. */
  readonly errorCount: number;
  readonly toolCallCount: number;
  readonly toolErrorCount: number;
  /** A span without parent has ended. */
  readonly complete: boolean;
  /** Runs that the trace was linked to, beside the one that its metadata names. */
  readonly linkedRuns?: readonly string[];
}

export interface TokenUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly totalTokens: number;
  /** Part of the input tokens. */
  readonly cacheReadInputTokens?: number;
  readonly cacheCreationInputTokens?: number;
}

/** US$. */
export interface Cost {
  readonly inputCost: number;
  readonly outputCost: number;
  readonly totalCost: number;
}
