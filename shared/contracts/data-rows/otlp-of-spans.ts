import { jsonText } from '../../domain/facts/attribute-text.ts';
import type { AttributeValue } from '../../domain/span.ts';
import { InvalidRowError } from './invalid-row-error.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * Spans as MLflow writes them in JSON (its REST API, `Span.to_dict`; mlflow/entities/span.py, 3.9 to 3.18) as an OTLP/JSON request: ids are base64
 * there, hex here; attributes may be a map of JSON texts, which is what MLflow's clients send over OTLP, too.
 */
export function otlpOfSpans(spans: readonly unknown[]): object {
  return { resourceSpans: [{ scopeSpans: [{ spans: spans.map(toOtlp) }] }] };
}

export function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function toOtlp(value: unknown): Json {
  if (!isRecord(value)) throw new InvalidRowError('a span of its trace is no object');
  if ('context' in value)
    throw new InvalidRowError('its trace was written by MLflow 2: write it again with MLflow 3 (Trace.to_json)');
  const { traceId, spanId, parentSpanId, startTimeUnixNano, endTimeUnixNano, ...span } = value;
  return {
    ...span,
    trace_id: hex(span.trace_id ?? traceId, 16),
    span_id: hex(span.span_id ?? spanId, 8),
    parent_span_id: hex(span.parent_span_id ?? parentSpanId, 8),
    start_time_unix_nano: span.start_time_unix_nano ?? startTimeUnixNano,
    end_time_unix_nano: span.end_time_unix_nano ?? endTimeUnixNano,
    attributes: attributes(span.attributes),
    events: records(span.events).map((event) => ({ ...event, attributes: attributes(event.attributes) })),
    links: records(span.links).map(({ trace_id, span_id, ...link }) => ({
      trace_id: hex(trace_id ?? link.traceId, 16),
      span_id: hex(span_id ?? link.spanId, 8),
      attributes: attributes(link.attributes),
    })),
    status: isRecord(span.status) ? { ...span.status, code: statusCode(span.status.code) } : undefined,
  };
}

/** Base64 of so many bytes is shorter than their hex digits: they cannot be mistaken for each other. */
function hex(id: unknown, bytes: number): unknown {
  if (typeof id !== 'string') return undefined;
  const digits = id.replace(/^0x/, '');
  return digits.length === bytes * 2 ? digits : Buffer.from(id, 'base64').toString('hex');
}

function attributes(given: unknown): readonly unknown[] {
  if (Array.isArray(given)) return given;
  if (!isRecord(given)) return [];
  return Object.entries(given).map(([key, value]) => ({
    key,
    value: { string_value: typeof value === 'string' ? value : jsonText(value as AttributeValue) },
  }));
}

function records(given: unknown): readonly Json[] {
  return Array.isArray(given) ? given.filter(isRecord) : [];
}

function statusCode(code: unknown): unknown {
  return typeof code === 'string' && !code.startsWith('STATUS_CODE_') ? `STATUS_CODE_${code}` : code;
}
