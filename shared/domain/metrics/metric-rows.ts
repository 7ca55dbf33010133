import type { Assessment } from '../assessment.ts';
import { countedSpans } from '../facts/counted-usage.ts';
import { sessionOf } from '../facts/who.ts';
import { durationOf, tagOf } from '../filter/trace-values.ts';
import type { ScorableSpan } from '../scorable-trace.ts';
import type { JsonValue } from '../span.ts';
import type { TraceInfo } from '../trace.ts';

/** What one trace, span or assessment adds to a metric. */
export interface MetricRow {
  /** That its time bucket is of, epoch ms. */
  readonly time: number;
  /** What is counted or computed with; absent where it says nothing about the metric. */
  readonly value: number | string | undefined;
  /** In the order of the dimensions asked for; where one is absent the row belongs to no group. */
  readonly dimensions: readonly (string | undefined)[];
}

interface RowQuery {
  readonly metric: string;
  readonly dimensions: readonly string[];
}

type Read<Item, Value> = (item: Item) => Value | undefined;
type Table<Item, Value> = Readonly<Record<string, Read<Item, Value>>>;

const traceName = tagOf('mlflow.traceName');
const traceValues: Table<TraceInfo, number | string> = {
  trace_count: ({ traceId }) => traceId,
  session_count: ({ facts }) => sessionOf(facts),
  latency: ({ facts }) => durationOf(facts),
  input_tokens: ({ facts }) => facts.tokens?.inputTokens,
  output_tokens: ({ facts }) => facts.tokens?.outputTokens,
  total_tokens: ({ facts }) => facts.tokens?.totalTokens,
  cache_read_input_tokens: ({ facts }) => facts.tokens?.cacheReadInputTokens,
  cache_creation_input_tokens: ({ facts }) => facts.tokens?.cacheCreationInputTokens,
};
const traceDimensions: Table<TraceInfo, string> = { trace_name: traceName, trace_status: ({ facts }) => facts.state };

export function traceRow(info: TraceInfo, { metric, dimensions }: RowQuery): MetricRow {
  return {
    time: info.facts.requestTime,
    value: traceValues[metric]?.(info),
    dimensions: dimensions.map((name) => traceDimensions[name]?.(info)),
  };
}

const spanValues: Table<ScorableSpan, number | string> = {
  span_count: ({ span }) => span.spanId,
  latency: ({ span }) => spanDuration(span),
  input_cost: ({ facts }) => facts.cost?.inputCost,
  output_cost: ({ facts }) => facts.cost?.outputCost,
  total_cost: ({ facts }) => facts.cost?.totalCost,
};
const spanDimensions: Table<ScorableSpan, string> = {
  span_name: ({ span }) => span.name,
  span_type: ({ facts }) => facts.type,
  span_status: ({ span }) => span.status.code,
  span_model_name: ({ facts }) => facts.model,
  span_model_provider: ({ facts }) => facts.provider,
};

/** Each call's cost counts once, so that a breakdown adds up to what the traces cost. Buckets are of the spans' own times. */
export function spanRows(
  spans: readonly ScorableSpan[],
  { metric, dimensions, isMeant }: RowQuery & { isMeant: (span: ScorableSpan) => boolean },
): readonly MetricRow[] {
  const asked = metric.endsWith('_cost') ? countedSpans(spans) : spans;
  return asked.filter(isMeant).map((span) => ({
    time: Number(span.span.startTimeUnixNano / 1_000_000n),
    value: spanValues[metric]?.(span),
    dimensions: dimensions.map((name) => spanDimensions[name]?.(span)),
  }));
}

function spanDuration({ startTimeUnixNano: start, endTimeUnixNano: end }: ScorableSpan['span']): number | undefined {
  if (end === 0n) return undefined;
  return end > start ? Number((end - start) / 1_000_000n) : 0;
}

const assessmentValues: Table<Assessment, number | string> = {
  assessment_count: ({ assessmentId }) => assessmentId,
  assessment_value: ({ value }) => numberOf(value),
};
const assessmentDimensions: Table<Assessment, string> = {
  assessment_name: ({ name }) => name,
  assessment_value: ({ value }) => jsonOf(value),
};

/** Those that still hold. Buckets are of the trace's time: when it was judged says nothing about when it happened. */
export function assessmentRows(
  assessments: readonly Assessment[],
  { info, metric, dimensions, isMeant }: RowQuery & { info: TraceInfo; isMeant: (assessment: Assessment) => boolean },
): readonly MetricRow[] {
  return assessments
    .filter((assessment) => assessment.valid && isMeant(assessment))
    .map((assessment) => ({
      time: info.facts.requestTime,
      value: assessmentValues[metric]?.(assessment),
      dimensions: dimensions.map((name) => assessmentDimensions[name]?.(assessment)),
    }));
}

/** `yes` and true are 1, `no` and false 0; other texts, lists and maps are no number (MLflow's `assessment_aggregate`). */
function numberOf(value: JsonValue): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string') return undefined;
  const word = value.trim().toLowerCase();
  return word === 'yes' ? 1 : word === 'no' ? 0 : undefined;
}

/** As MLflow keeps it: numbers are floats. */
function jsonOf(value: JsonValue): string {
  return Number.isSafeInteger(value) ? `${value}.0` : JSON.stringify(value);
}
