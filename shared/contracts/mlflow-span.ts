import { FieldReader, wire } from './otlp/field-reader.ts';
import * as otlp from './otlp/otlp-fields.ts';

/**
 * The spans of a TracesData as MLflow's `GET traces/get` answers them: protobuf's JSON with snake_case names, ids in base64, int64 as
 * texts (which protobuf's JSON parsers take, and no JavaScript number loses). Kinds of values are kept: an int stays an int.
 * Source: mlflow/entities/span.py and protos/service.proto, 3.9 to 3.18.
 */
export function mlflowSpans(tracesData: Uint8Array): readonly MlflowSpan[] {
  const reader = new FieldReader(tracesData);
  const spans: MlflowSpan[] = [];
  each(reader, tracesData.length, () => {
    if (!reader.isBytes(otlp.request.resourceSpans)) return;
    within(reader, () => {
      if (!reader.isBytes(otlp.resourceSpans.scopeSpans)) return;
      within(reader, () => {
        if (reader.isBytes(otlp.scopeSpans.spans)) spans.push(readSpan(reader));
      });
    });
  });
  return spans;
}

export type MlflowSpan = Readonly<Record<string, unknown>>;

const statusCodes = ['STATUS_CODE_UNSET', 'STATUS_CODE_OK', 'STATUS_CODE_ERROR'] as const;

function readSpan(reader: FieldReader): MlflowSpan {
  const span: Record<string, unknown> = { name: '' };
  const attributes: unknown[] = [];
  const events: unknown[] = [];
  const links: unknown[] = [];
  within(reader, () => {
    const { field } = reader;
    if (field === otlp.span.traceId) span.trace_id = base64(reader);
    else if (field === otlp.span.spanId) span.span_id = base64(reader);
    else if (field === otlp.span.parentSpanId) Object.assign(span, parentOf(reader));
    else if (field === otlp.span.name) span.name = reader.text();
    else if (field === otlp.span.traceState && reader.end > reader.start) span.trace_state = reader.text();
    else if (field === otlp.span.kind) span.kind = Number(reader.int64());
    else if (field === otlp.span.startTimeUnixNano) span.start_time_unix_nano = String(reader.fixed64());
    else if (field === otlp.span.endTimeUnixNano) span.end_time_unix_nano = String(reader.fixed64());
    else if (field === otlp.span.attributes) attributes.push(readKeyValue(reader, { depth: 1, unwraps: true }));
    else if (field === otlp.span.events) events.push(readEvent(reader));
    else if (field === otlp.span.links) links.push(readLink(reader));
    else if (field === otlp.span.status) span.status = readStatus(reader);
  });
  return {
    ...span,
    attributes,
    ...(events.length > 0 && { events }),
    ...(links.length > 0 && { links }),
    status: span.status ?? { code: statusCodes[0] },
  };
}

/** Eight zero bytes mean no parent. */
function parentOf(reader: FieldReader): { parent_span_id?: string } {
  const isAbsent = reader.bytes.subarray(reader.start, reader.end).every((byte) => byte === 0);
  return isAbsent ? {} : { parent_span_id: base64(reader) };
}

function readEvent(reader: FieldReader): unknown {
  const event: Record<string, unknown> = { name: '' };
  const attributes: unknown[] = [];
  within(reader, () => {
    if (reader.field === otlp.event.timeUnixNano) event.time_unix_nano = String(reader.fixed64());
    else if (reader.field === otlp.event.name) event.name = reader.text();
    else if (reader.field === otlp.event.attributes)
      attributes.push(readKeyValue(reader, { depth: 1, unwraps: false }));
  });
  return { ...event, attributes };
}

function readLink(reader: FieldReader): unknown {
  const link: Record<string, unknown> = {};
  const attributes: unknown[] = [];
  within(reader, () => {
    if (reader.field === otlp.link.traceId) link.trace_id = base64(reader);
    else if (reader.field === otlp.link.spanId) link.span_id = base64(reader);
    else if (reader.field === otlp.link.attributes) attributes.push(readKeyValue(reader, { depth: 1, unwraps: false }));
  });
  return { ...link, attributes };
}

function readStatus(reader: FieldReader): unknown {
  const status: { message?: string; code: string } = { code: statusCodes[0] };
  within(reader, () => {
    if (reader.field === otlp.status.message && reader.end > reader.start) status.message = reader.text();
    else if (reader.field === otlp.status.code) status.code = statusCodes[Number(reader.int64())] ?? statusCodes[0];
  });
  return status;
}

interface ValueOptions {
  readonly depth: number;
  /** A text that is JSON is spelled as its value. */
  readonly unwraps: boolean;
}

function readKeyValue(reader: FieldReader, options: ValueOptions): { key: string; value: AnyValue } {
  const pair: { key: string; value: AnyValue } = { key: '', value: {} };
  within(reader, () => {
    if (reader.isBytes(otlp.keyValue.key)) pair.key = reader.text();
    else if (reader.isBytes(otlp.keyValue.value)) pair.value = readAnyValue(reader, options);
  });
  return pair;
}

/** OTLP's AnyValue as protobuf's JSON. */
export type AnyValue = Readonly<Record<string, unknown>>;

function readAnyValue(reader: FieldReader, { depth, unwraps }: ValueOptions): AnyValue {
  let value: AnyValue = {};
  within(reader, () => {
    const { field, wireType } = reader;
    if (field === otlp.anyValue.string && wireType === wire.bytes) {
      const text = reader.text();
      value = unwraps ? textValueOf(text) : { string_value: text };
    } else if (field === otlp.anyValue.bool) value = { bool_value: reader.int64() !== 0 };
    else if (field === otlp.anyValue.int) value = { int_value: String(reader.int64()) };
    else if (field === otlp.anyValue.double)
      value = { double_value: jsonDouble(reader.bytes.readDoubleLE(reader.start)) };
    else if (field === otlp.anyValue.bytes) value = { bytes_value: base64(reader) };
    else if (depth > otlp.maxValueDepth) value = { string_value: otlp.tooDeepMarker };
    else if (field === otlp.anyValue.array)
      value = { array_value: { values: readList(reader, () => readAnyValue(reader, nested(depth))) } };
    else if (field === otlp.anyValue.kvlist)
      value = { kvlist_value: { values: readList(reader, () => readKeyValue(reader, nested(depth))) } };
  });
  return value;
}

function nested(depth: number): ValueOptions {
  return { depth: depth + 1, unwraps: false };
}

function readList<T>(reader: FieldReader, read: () => T): readonly T[] {
  const values: T[] = [];
  within(reader, () => {
    if (reader.isBytes(otlp.list.values)) values.push(read());
  });
  return values;
}

/** A text as an attribute's value: one that is JSON is spelled as its value. */
export function textValueOf(text: string): AnyValue {
  return unwrapped(text) ?? { string_value: text };
}

/** A JSON value as an attribute's. */
export function anyValueOf(value: unknown): AnyValue {
  return toAnyValue(value, 1);
}

/**
 * MLflow's server strips one layer from a text that is JSON of a text, list or map, since clients serialise attributes that way; a
 * text such as `1` stays a text (sanitize_attributes in mlflow/tracing/otel/translation).
 */
function unwrapped(text: string): AnyValue | undefined {
  if (!/^\s*["[{]/.test(text)) return undefined;
  try {
    return toAnyValue(JSON.parse(text), 1);
  } catch {
    return undefined;
  }
}

function toAnyValue(value: unknown, depth: number): AnyValue {
  if (value === null) return {};
  if (typeof value === 'string') return { string_value: value };
  if (typeof value === 'boolean') return { bool_value: value };
  if (typeof value === 'number')
    return Number.isInteger(value) ? { int_value: String(value) } : { double_value: value };
  if (depth > otlp.maxValueDepth) return { string_value: otlp.tooDeepMarker };
  if (Array.isArray(value)) return { array_value: { values: value.map((member) => toAnyValue(member, depth + 1)) } };
  const members = Object.entries(value as object).map(([key, member]) => ({
    key,
    value: toAnyValue(member, depth + 1),
  }));
  return { kvlist_value: { values: members } };
}

/** JSON has no NaN and no infinity; protobuf's JSON spells them as texts. */
function jsonDouble(value: number): number | string {
  if (Number.isFinite(value)) return value;
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
}

function base64(reader: FieldReader): string {
  return reader.bytes.toString('base64', reader.start, reader.end);
}

/** Visits the fields of the message that the reader stands on, and leaves it standing behind. */
function within(reader: FieldReader, visit: () => void): void {
  const { start, end } = reader;
  reader.pos = start;
  each(reader, end, visit);
}

function each(reader: FieldReader, end: number, visit: () => void): void {
  while (reader.next(end)) visit();
}
