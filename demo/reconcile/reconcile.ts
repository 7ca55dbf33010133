import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { BackfillCounts } from '../../sdk/index.ts';
import type { Assessment, Booked, StoredSpan, Trace, TraceInfo } from '../assay-api.ts';
import { type Expectation, noScore } from '../expected-judgements.ts';
import { judgementsOf, paidFor, toNano } from '../judgements.ts';
import type { JudgeCall } from '../scripted-judge/judge-script.ts';
import type { SentSpans } from '../sent-spans.ts';
import { type Check, compareCounts, compareIds } from './check.ts';

/** What was sent, and what was read back from each place where it must be. */
export interface Evidence {
  /** Spans that the application ended. */
  readonly ended: number;
  readonly sent: SentSpans;
  /** Of the traces as they came in. */
  readonly live: readonly Expectation[];
  /** In the end. */
  readonly expectations: readonly Expectation[];
  readonly backfill: Pick<BackfillCounts, 'already_done' | 'judged' | 'failed'>;
  /** From the search. */
  readonly found: readonly TraceInfo[];
  /** One by one, with spans and assessments. */
  readonly traces: readonly Trace[];
  readonly judging: Judging;
  readonly archive: Archived;
  /** Messages in each dead-letter queue. */
  readonly deadLetters: Readonly<Record<string, number>>;
}

/** What judging took, as the judges' model counted it and as Assay's budget did. */
export interface Judging {
  readonly calls: readonly JudgeCall[];
  /** Requests that the providers would have refused. */
  readonly refused: readonly string[];
  readonly booked: Booked;
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
  const assessments = traces.flatMap((trace) => judgementsOf(trace));
  const assessmentIds = assessments.map(({ assessment_id }) => assessment_id);
  return [
    compareCounts('spans ended, and acknowledged by Assay', { expected: ended, found: sent.count }),
    compareIds('spans stored', { expected: sentSpans(sent), found: storedSpans(traces) }),
    compareIds('traces found by search', { expected: traceIds, found: found.map(({ trace_id }) => trace_id) }),
    compareIds('spans in spans_current', { expected: sentSpanIds(sent), found: archive.spanIds }),
    compareIds('traces in traces_current', { expected: traceIds, found: archive.traceIds }),
    ...expectations.map((expectation) => compareJudged(expectation, traces)),
    ...compareBackfill(evidence),
    compareIds('assessments in assessments_current', { expected: assessmentIds, found: archive.assessmentIds }),
    ...compareJudging(assessments, evidence.judging),
    compareCounts('messages in dead-letter queues', {
      expected: 0,
      found: Object.values(deadLetters).reduce((sum, count) => sum + count, 0),
    }),
  ];
}

/** Where it is foretold, what each trace was found to be counts as well: a verdict on another trace is no verdict. */
function compareJudged({ scorer, selected, verdicts }: Expectation, traces: readonly Trace[]): Check {
  const judged = traces.flatMap((trace) =>
    judgementsOf(trace, scorer.name).map((assessment) => ({ id: trace.trace_info.trace_id, assessment })),
  );
  if (verdicts.size === 0)
    return compareIds(`traces judged by ${scorer.name}`, { expected: selected, found: judged.map(({ id }) => id) });
  return compareIds(`verdicts of ${scorer.name}, each as foretold`, {
    expected: [...verdicts].map(([id, verdict]) => `${id}: ${verdict}`),
    found: judged.map(({ id, assessment }) => `${id}: ${foundBy(assessment)}`),
  });
}

function foundBy({ feedback }: Assessment): string {
  return feedback?.error === undefined ? String(feedback?.value) : noScore;
}

/** What live scoring had selected was left alone, and nothing else. */
function compareBackfill({ live, expectations, backfill }: Evidence): readonly Check[] {
  const selected = (some: readonly Expectation[]) =>
    some.filter(({ scorer }) => scorer.backfillRate !== undefined).reduce((sum, one) => sum + one.selected.size, 0);
  const before = selected(live);
  return [
    compareCounts('judged before the backfill, and left alone', { expected: before, found: backfill.already_done }),
    compareCounts('judged by the backfill', {
      expected: selected(expectations) - before,
      found: backfill.judged + backfill.failed,
    }),
  ];
}

/** The bill three times: by the model, by the assessments, by the budget. */
function compareJudging(assessments: readonly Assessment[], { calls, refused, booked }: Judging): readonly Check[] {
  const answered = calls.filter(({ status }) => status === 200);
  const tokens = answered.reduce((sum, { inputTokens, outputTokens }) => sum + inputTokens + outputTokens, 0);
  const paid = paidFor(assessments);
  return [
    {
      ...compareCounts('requests that a provider would refuse', { expected: 0, found: refused.length }),
      problems: refused.slice(0, 3),
    },
    compareCounts('answers of the model, on assessments', { expected: answered.length, found: paid.calls }),
    compareCounts('tokens of the model, on assessments', { expected: tokens, found: paid.tokens }),
    compareCounts('tokens on assessments, on the budget', { expected: paid.tokens, found: booked.tokens_this_month }),
    compareCounts('nano-US$ on assessments, on the budget', {
      expected: paid.nanoUsd,
      found: toNano(booked.usd_this_month),
    }),
  ];
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
