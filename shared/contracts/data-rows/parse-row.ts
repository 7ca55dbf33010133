import { createHash } from 'node:crypto';
import type { Assessment } from '../../domain/assessment.ts';
import { type TraceStatement, withStatement } from '../../domain/explicit-facts.ts';
import { deriveSpanFacts } from '../../domain/facts/derive-span-facts.ts';
import { deriveTraceFacts } from '../../domain/facts/derive-trace-facts.ts';
import { toScorableTrace } from '../../domain/facts/scorable.ts';
import type { ScorableSpan, ScorableTrace } from '../../domain/scorable-trace.ts';
import type { JsonValue } from '../../domain/span.ts';
import { createAssessmentRequest, toAssessment } from '../mlflow-assessment.ts';
import { startTraceRequest, toStatement } from '../mlflow-trace-statement.ts';
import { decodeTracesData } from '../otlp/decode-spans.ts';
import { encodeRequest } from '../otlp/encode-request.ts';
import { MalformedOtlpError } from '../otlp/malformed-otlp-error.ts';
import { parseJson } from '../otlp/parse-json.ts';
import { InvalidRowError } from './invalid-row-error.ts';
import { isRecord, otlpOfSpans } from './otlp-of-spans.ts';

type Json = Readonly<Record<string, unknown>>;

const experimentId = '0';

/**
 * The trace that a row of a data set is about, as scorers see it. A row is what `mlflow.genai.evaluate` takes, `{inputs, outputs?, expectations?, trace?}`,
 * or a trace by itself: MLflow's JSON of one, or an OTLP request with the spans of one. Without a trace it is one of one span that has not ended:
 * nobody knows how long it took.
 * @param now epoch ms, the time of rows that have none
 * @throws InvalidRowError
 */
export function parseRow(text: string, { now }: { now: number }): ScorableTrace {
  try {
    // Times of spans are whole numbers beyond 2^53; what scorers read is plain JSON.
    return toTrace({ exact: parseJson(text), plain: JSON.parse(text), now });
  } catch (error) {
    if (!(error instanceof MalformedOtlpError)) throw error;
    throw new InvalidRowError(error.message.replace(/^body is not JSON/, 'it is not JSON'), { cause: error });
  }
}

function toTrace({ exact, plain, now }: { exact: unknown; plain: unknown; now: number }): ScorableTrace {
  if (!isRecord(exact) || !isRecord(plain)) throw new InvalidRowError('it is no JSON object');
  if (isTrace(exact)) return wholeTrace(exact);
  const { inputs, outputs, expectations } = plain;
  const { trace: given } = exact;
  if (inputs === undefined && outputs === undefined && given == null)
    throw new InvalidRowError('it has none of inputs, outputs and trace, and is no trace itself');
  if (expectations != null && !isRecord(expectations))
    throw new InvalidRowError('its expectations are no object of names and values');
  const trace = given == null ? bareTrace({ inputs, outputs, now }) : wholeTrace(traceIn(given));
  return {
    ...trace,
    ...(inputs != null && { inputs: inputs as JsonValue }),
    ...(outputs != null && { outputs: outputs as JsonValue }),
    expectations: { ...trace.expectations, ...(expectations as Record<string, JsonValue> | null | undefined) },
  };
}

/** MLflow's tables hold traces as JSON texts, too. */
function traceIn(given: unknown): Json {
  const trace = typeof given === 'string' ? parseJson(given) : given;
  if (isRecord(trace) && isTrace(trace)) return trace;
  throw new InvalidRowError(
    'its trace is none: expected {info, data: {spans}}, {trace_info, spans} or {resourceSpans}',
  );
}

function isTrace(row: Json): boolean {
  const isOtlp = Array.isArray(row.resourceSpans ?? row.resource_spans);
  return isOtlp || Array.isArray(row.spans) || (isRecord(row.data) && Array.isArray(row.data.spans));
}

function wholeTrace(trace: Json): ScorableTrace {
  const info = trace.info ?? trace.trace_info;
  const data = isRecord(trace.data) ? trace.data : trace;
  const spans = decode(Array.isArray(data.spans) ? otlpOfSpans(data.spans) : trace);
  const { statement, assessments } = isRecord(info) ? readInfo(info) : { statement: undefined, assessments: [] };
  return scorable(spans, { statement, assessments });
}

function decode(request: object): readonly ScorableSpan[] {
  const { body, refused } = encodeRequest(request);
  if (refused[0]) throw new InvalidRowError(`a span of its trace cannot be read: ${refused[0].reason}`);
  const spans = decodeTracesData(body).map(({ span }) => ({ span, facts: deriveSpanFacts(span) }));
  const ids = new Set(spans.map(({ span }) => span.traceId));
  if (ids.size !== 1) throw new InvalidRowError(`it has spans of ${ids.size} traces, expected one`);
  return [...new Map(spans.map((one) => [one.span.spanId, one])).values()];
}

function scorable(
  spans: readonly ScorableSpan[],
  { statement, assessments }: { statement?: TraceStatement | undefined; assessments: readonly Assessment[] },
): ScorableTrace {
  const traceId = `tr-${spans[0]?.span.traceId}`;
  const info = { traceId, experimentId, facts: deriveTraceFacts(spans) };
  const known = { ...info, blocks: [], revision: 0, completeness: 'complete' as const, lastArrivalAt: 0 };
  return toScorableTrace({ info: statement ? withStatement(known, statement) : info, spans, assessments });
}

/** What is said of a trace beside its spans. */
function readInfo(info: Json): { statement: TraceStatement; assessments: readonly Assessment[] } {
  const milliseconds = info.execution_duration_ms ?? 0;
  const parsed = startTraceRequest.safeParse({
    trace: {
      trace_info: {
        execution_duration: `${Number(milliseconds) / 1_000}s`,
        ...info,
        trace_location: { mlflow_experiment: { experiment_id: experimentId } },
      },
    },
  });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new InvalidRowError(`what it says of its trace: ${issue?.path.slice(2).join('.')}: ${issue?.message}`);
  }
  const { trace_info } = parsed.data.trace;
  const assessments = (trace_info.assessments ?? []).flatMap((one) => expectation(one, trace_info.trace_id));
  return { statement: toStatement(trace_info), assessments };
}

/** Nothing else that was said of it is known to scorers. */
function expectation(given: unknown, traceId: string): readonly Assessment[] {
  if (!isRecord(given) || given.expectation == null) return [];
  const parsed = createAssessmentRequest.safeParse({ assessment: given });
  if (!parsed.success) throw new InvalidRowError(`an expectation of its trace: ${parsed.error.issues[0]?.message}`);
  return [toAssessment(parsed.data.assessment, { traceId, experimentId, now: 0, newId: () => '' })];
}

function bareTrace({ inputs, outputs, now }: { inputs: unknown; outputs: unknown; now: number }): ScorableTrace {
  const id = createHash('sha256')
    .update(JSON.stringify([inputs, outputs]))
    .digest('hex');
  const span = {
    trace_id: id.slice(0, 32),
    span_id: id.slice(32, 48),
    name: 'row',
    start_time_unix_nano: `${now}000000`,
    attributes: {
      ...(inputs != null && { 'mlflow.spanInputs': JSON.stringify(inputs) }),
      ...(outputs != null && { 'mlflow.spanOutputs': JSON.stringify(outputs) }),
    },
  };
  return scorable(decode(otlpOfSpans([span])), { assessments: [] });
}
