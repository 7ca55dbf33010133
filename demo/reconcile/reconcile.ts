import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { StoredSpan, Trace, TraceInfo } from '../assay-api.ts';
import type { Expectation } from '../expected-judgements.ts';
import { judgementsOf } from '../judgements.ts';
import type { SentSpans } from '../sent-spans.ts';
import { type Check, compareCounts, compareIds } from './check.ts';

/** What was sent, and what was read back from each place where it must be. */
export interface Evidence {
  /** Spans that the application ended. */
  readonly ended: number;
  readonly sent: SentSpans;
  readonly expectations: readonly Expectation[];
  /** From the search. */
  readonly found: readonly TraceInfo[];
  /** One by one, with spans and assessments. */
  readonly traces: readonly Trace[];
  readonly archive: Archived;
  /** Messages in each dead-letter queue. */
  readonly deadLetters: Readonly<Record<string, number>>;
}

/** Ids in the views of the archive, as often as they appear. */
export interface Archived {
  readonly traceIds: readonly string[];
  /** `<trace id>/<span id>` */
  readonly spanIds: readonly string[];
  readonly assessmentIds: readonly string[];
}

/** Every check of the demo; it has done its job where all of them reconcile. */
export function reconcile(evidence: Evidence): readonly Check[] {
  const { ended, sent, expectations, found, traces, archive, deadLetters } = evidence;
  const traceIds = [...sent.byTrace.keys()];
  const assessmentIds = traces.flatMap((trace) => judgementsOf(trace).map(({ assessment_id }) => assessment_id));
  return [
    compareCounts('spans ended, and acknowledged by Assay', { expected: ended, found: sent.count }),
    compareIds('spans stored', { expected: sentSpans(sent), found: storedSpans(traces) }),
    compareIds('traces found by search', { expected: traceIds, found: found.map(({ trace_id }) => trace_id) }),
    compareIds('spans in spans_current', { expected: sentSpanIds(sent), found: archive.spanIds }),
    compareIds('traces in traces_current', { expected: traceIds, found: archive.traceIds }),
    ...expectations.map((expectation) => compareJudged(expectation, traces)),
    compareIds('assessments in assessments_current', { expected: assessmentIds, found: archive.assessmentIds }),
    compareCounts('messages in dead-letter queues', {
      expected: 0,
      found: Object.values(deadLetters).reduce((sum, count) => sum + count, 0),
    }),
  ];
}

function compareJudged({ scorer, selected }: Expectation, traces: readonly Trace[]): Check {
  const judged = traces.flatMap((trace) => judgementsOf(trace, scorer.name).map(() => trace.trace_info.trace_id));
  return compareIds(`traces judged by ${scorer.name}`, { expected: selected, found: judged });
}

/** Not the id alone: a span must come back under its parent and with its name. */
function sentSpans(sent: SentSpans): readonly string[] {
  return [...sent.byTrace].flatMap(([traceId, spans]) => spans.map(({ span }) => `${traceId}/${describeSent(span)}`));
}

function describeSent(span: ReadableSpan): string {
  return `${span.spanContext().spanId} "${span.name}" under ${span.parentSpanContext?.spanId ?? 'none'}`;
}

function storedSpans(traces: readonly Trace[]): readonly string[] {
  return traces.flatMap(({ trace_info, spans }) =>
    spans.map((span) => `${trace_info.trace_id}/${describeStored(span)}`),
  );
}

function describeStored({ name, span_id, parent_span_id }: StoredSpan): string {
  return `${toHex(span_id)} "${name}" under ${parent_span_id ? toHex(parent_span_id) : 'none'}`;
}

function toHex(base64: string): string {
  return Buffer.from(base64, 'base64').toString('hex');
}

function sentSpanIds(sent: SentSpans): readonly string[] {
  return [...sent.byTrace].flatMap(([traceId, spans]) =>
    spans.map(({ span }) => `${traceId}/${span.spanContext().spanId}`),
  );
}
