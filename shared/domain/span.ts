/** A span as OpenTelemetry means it, decoded from the wire. Ids are lower-case hex, times nanoseconds since the epoch. */
export interface Span {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  /** 16 hex digits; absent on a root span. */
  readonly parentSpanId?: string;
  readonly name: string;
  /** OTLP SpanKind, 0 (unspecified) to 5 (consumer). */
  readonly kind: number;
  readonly startTimeUnixNano: bigint;
  /** 0 while the span has not ended. May lie before the start: clocks differ; durations derived from it are never negative. */
  readonly endTimeUnixNano: bigint;
  readonly attributes: Attributes;
  readonly events: readonly SpanEvent[];
  readonly links: readonly SpanLink[];
  readonly status: SpanStatus;
  readonly traceState?: string;
  readonly resource: Resource;
  readonly scope: Scope;
}

/**
 * A value of an attribute. Whole numbers beyond 2^53 are bigint; null is OTLP's empty AnyValue.
 */
export type AttributeValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Uint8Array
  | readonly AttributeValue[]
  | { readonly [key: string]: AttributeValue };

export type Attributes = Readonly<Record<string, AttributeValue>>;

export interface SpanEvent {
  readonly timeUnixNano: bigint;
  readonly name: string;
  readonly attributes: Attributes;
}

export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: Attributes;
}

export interface SpanStatus {
  readonly code: 'UNSET' | 'OK' | 'ERROR';
  readonly message: string;
}

export interface Resource {
  readonly attributes: Attributes;
}

export interface Scope {
  readonly name: string;
  readonly version: string;
}

/** JSON as values. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };
