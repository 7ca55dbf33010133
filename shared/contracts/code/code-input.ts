import { createHash } from 'node:crypto';
import type { CodeInput } from '../../domain/code/run-code.ts';
import { jsonText, parseJson } from '../../domain/facts/attribute-text.ts';
import type { ScorableSpan, ScorableTrace } from '../../domain/scorable-trace.ts';
import type { Attributes, AttributeValue } from '../../domain/span.ts';
import type { SpanText } from '../../domain/span-facts.ts';
import { mlflowTraceInfo } from '../mlflow-entities.ts';

/** Bytes of all that code is told of one trace. Lambda takes 6 MB, and to run-python they travel as texts inside JSON. */
const maxInputBytes = 4 * 1024 * 1024;

const known = new WeakMap<ScorableTrace, CodeInput>();

/** What code is told of a trace; made once for all its scorers. */
export function codeInput(trace: ScorableTrace): CodeInput {
  const made = known.get(trace) ?? makeInput(trace);
  known.set(trace, made);
  return made;
}

/** How much too large it is for a sandbox, in words; undefined where it is not. */
export function tooLarge({ inputs, outputs, expectations, trace }: CodeInput): string | undefined {
  const bytes = [inputs, outputs, expectations, trace].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  return bytes > maxInputBytes ? `the trace is ${bytes} bytes of JSON, code gets at most ${maxInputBytes}` : undefined;
}

function makeInput(trace: ScorableTrace): CodeInput {
  const { traceId, facts, inputs = null, outputs = null, expectations } = trace;
  return {
    traceId,
    inputs: JSON.stringify(inputs),
    outputs: JSON.stringify(outputs),
    expectations: JSON.stringify(expectations),
    trace: traceJson(trace),
    now: facts.requestTime + facts.durationMs,
    seed: createHash('sha256').update(traceId).digest().readUInt32BE(0),
  };
}

/** MLflow's trace (`Trace.to_dict`, mlflow/entities/trace.py) with spans as its `Span` shows them, not as OTLP sends them. */
function traceJson({ traceId, experimentId, facts, spans }: ScorableTrace): string {
  const info = {
    ...mlflowTraceInfo({ traceId, experimentId, facts }, []),
    assessments: undefined,
    experiment_id: experimentId,
    timestamp_ms: facts.requestTime,
    execution_duration_ms: facts.durationMs,
  };
  return `{"info":${JSON.stringify(info)},"data":{"spans":[${spans.map(spanJson).join(',')}]}}`;
}

function spanJson({ span, facts }: ScorableSpan): string {
  const { inputs, outputs } = facts;
  return object({
    span_id: JSON.stringify(span.spanId),
    parent_id: JSON.stringify(span.parentSpanId ?? null),
    name: JSON.stringify(span.name),
    span_type: JSON.stringify(facts.type),
    status: JSON.stringify({ code: span.status.code, message: span.status.message }),
    start_time_unix_nano: JSON.stringify(String(span.startTimeUnixNano)),
    end_time_unix_nano: JSON.stringify(String(span.endTimeUnixNano)),
    start_time_ms: milliseconds(span.startTimeUnixNano),
    end_time_ms: milliseconds(span.endTimeUnixNano),
    inputs: textJson(inputs),
    outputs: textJson(outputs),
    attributes: attributesJson(span.attributes, [inputs?.attribute, outputs?.attribute]),
    events: `[${span.events
      .map(({ name, timeUnixNano, attributes }) =>
        object({
          name: JSON.stringify(name),
          time_unix_nano: JSON.stringify(String(timeUnixNano)),
          attributes: attributesJson(attributes, []),
        }),
      )
      .join(',')}]`,
  });
}

/** Without the large texts that stand as inputs and outputs already. */
function attributesJson(attributes: Attributes, without: readonly (string | undefined)[]): string {
  const members = Object.entries(attributes).filter(([key]) => !without.includes(key));
  return object(Object.fromEntries(members.map(([key, value]) => [key, attributeJson(value)])));
}

function object(members: Readonly<Record<string, string>>): string {
  return `{${Object.entries(members)
    .map(([key, text]) => `${JSON.stringify(key)}:${text}`)
    .join(',')}}`;
}

/** Texts that are JSON of a text, list or map count as that value: MLflow's client writes all attributes so. */
function attributeJson(value: AttributeValue): string {
  if (typeof value === 'string') return textJson({ text: value });
  if (typeof value === 'bigint' && !Number.isSafeInteger(Number(value))) return JSON.stringify(String(value));
  return jsonText(value);
}

function textJson(text: SpanText | undefined): string {
  if (text === undefined) return 'null';
  const isJson = /^\s*[[{"]/.test(text.text) && parseJson(text.text) !== undefined;
  return isJson ? text.text : JSON.stringify(text.text);
}

/** To the microsecond, which a double holds. */
function milliseconds(nanoseconds: bigint): string {
  return String(Number(nanoseconds / 1_000n) / 1_000);
}
