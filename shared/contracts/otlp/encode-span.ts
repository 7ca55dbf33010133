import { PbfWriter } from 'pbf';
import { writeAttributes, writeFixed64 } from './encode-values.ts';
import {
  asEnum,
  asHex,
  asInteger,
  asList,
  asObject,
  asText,
  asUnsigned,
  type JsonObject,
  JsonValueError,
  pick,
} from './json-values.ts';
import * as otlp from './otlp-fields.ts';
import { idProblem } from './span-ids.ts';
import { writeTextField } from './write-text.ts';

const kinds = [
  'SPAN_KIND_UNSPECIFIED',
  'SPAN_KIND_INTERNAL',
  'SPAN_KIND_SERVER',
  'SPAN_KIND_CLIENT',
  'SPAN_KIND_PRODUCER',
  'SPAN_KIND_CONSUMER',
];
const statusCodes = ['STATUS_CODE_UNSET', 'STATUS_CODE_OK', 'STATUS_CODE_ERROR'];

/** A span of OTLP/JSON as protobuf, or why it cannot be one. */
export function encodeSpan(value: unknown): Uint8Array | { reason: string } {
  try {
    const span = asObject(value, 'span');
    const ids = spanIds(span);
    const problem = idsProblem(ids);
    if (problem !== undefined) return { reason: problem };
    const writer = new PbfWriter(new Uint8Array(1024));
    writeIds(writer, ids);
    writeSpan(writer, span);
    return writer.finish();
  } catch (error) {
    if (error instanceof JsonValueError) return { reason: error.message };
    throw error;
  }
}

interface Ids {
  readonly trace: Buffer;
  readonly span: Buffer;
  readonly parent: Buffer;
}

function spanIds(span: JsonObject): Ids {
  return {
    trace: asHex(pick(span, 'traceId', 'trace_id'), 'trace id'),
    span: asHex(pick(span, 'spanId', 'span_id'), 'span id'),
    parent: asHex(pick(span, 'parentSpanId', 'parent_span_id'), 'parent span id'),
  };
}

function idsProblem({ trace, span, parent }: Ids): string | undefined {
  const spanEnd = trace.length + span.length;
  return idProblem(Buffer.concat([trace, span, parent]), {
    trace: { start: 0, end: trace.length },
    span: { start: trace.length, end: spanEnd },
    parent: { start: spanEnd, end: spanEnd + parent.length },
  });
}

function writeIds(writer: PbfWriter, { trace, span, parent }: Ids): void {
  writer.writeBytesField(otlp.span.traceId, trace);
  writer.writeBytesField(otlp.span.spanId, span);
  if (parent.length > 0) writer.writeBytesField(otlp.span.parentSpanId, parent);
}

function writeSpan(writer: PbfWriter, span: JsonObject): void {
  writeText(writer, otlp.span.traceState, pick(span, 'traceState', 'trace_state'));
  writeText(writer, otlp.span.name, span.name);
  writeNumber(writer, otlp.span.kind, asEnum(span.kind, kinds, 'kind'));
  writeTime(writer, otlp.span.startTimeUnixNano, pick(span, 'startTimeUnixNano', 'start_time_unix_nano'));
  writeTime(writer, otlp.span.endTimeUnixNano, pick(span, 'endTimeUnixNano', 'end_time_unix_nano'));
  writeAttributes(writer, otlp.span.attributes, span.attributes);
  writeCount(
    writer,
    otlp.span.droppedAttributesCount,
    pick(span, 'droppedAttributesCount', 'dropped_attributes_count'),
  );
  for (const event of asList(span.events, 'events'))
    writer.writeMessage(otlp.span.events, writeEvent, asObject(event, 'event'));
  writeCount(writer, otlp.span.droppedEventsCount, pick(span, 'droppedEventsCount', 'dropped_events_count'));
  for (const link of asList(span.links, 'links'))
    writer.writeMessage(otlp.span.links, writeLink, asObject(link, 'link'));
  writeCount(writer, otlp.span.droppedLinksCount, pick(span, 'droppedLinksCount', 'dropped_links_count'));
  const status = span.status ?? undefined;
  if (status !== undefined) writer.writeMessage(otlp.span.status, writeStatus, asObject(status, 'status'));
  writeFlags(writer, otlp.span.flags, span.flags);
}

function writeEvent(event: JsonObject, writer: PbfWriter): void {
  writeTime(writer, otlp.event.timeUnixNano, pick(event, 'timeUnixNano', 'time_unix_nano'));
  writeText(writer, otlp.event.name, event.name);
  writeAttributes(writer, otlp.event.attributes, event.attributes);
  writeCount(
    writer,
    otlp.event.droppedAttributesCount,
    pick(event, 'droppedAttributesCount', 'dropped_attributes_count'),
  );
}

function writeLink(link: JsonObject, writer: PbfWriter): void {
  writer.writeBytesField(otlp.link.traceId, asHex(pick(link, 'traceId', 'trace_id'), "link's trace id"));
  writer.writeBytesField(otlp.link.spanId, asHex(pick(link, 'spanId', 'span_id'), "link's span id"));
  writeText(writer, otlp.link.traceState, pick(link, 'traceState', 'trace_state'));
  writeAttributes(writer, otlp.link.attributes, link.attributes);
  writeCount(
    writer,
    otlp.link.droppedAttributesCount,
    pick(link, 'droppedAttributesCount', 'dropped_attributes_count'),
  );
  writeFlags(writer, otlp.link.flags, link.flags);
}

function writeStatus(status: JsonObject, writer: PbfWriter): void {
  writeText(writer, otlp.status.message, status.message);
  writeNumber(writer, otlp.status.code, asEnum(status.code, statusCodes, 'status code'));
}

function writeText(writer: PbfWriter, field: number, value: unknown): void {
  const text = asText(value, 'name, message or trace state');
  if (text !== '') writeTextField(writer, field, text);
}

function writeTime(writer: PbfWriter, field: number, value: unknown): void {
  writeFixed64(writer, field, asUnsigned(value, 'time'));
}

function writeCount(writer: PbfWriter, field: number, value: unknown): void {
  writeNumber(writer, field, Number(BigInt.asUintN(32, asInteger(value, 'dropped count'))));
}

function writeNumber(writer: PbfWriter, field: number, value: number): void {
  if (value !== 0) writer.writeVarintField(field, value);
}

function writeFlags(writer: PbfWriter, field: number, value: unknown): void {
  const flags = Number(BigInt.asUintN(32, asInteger(value, 'flags')));
  if (flags !== 0) writer.writeFixed32Field(field, flags);
}
