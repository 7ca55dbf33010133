import { FieldReader } from './field-reader.ts';
import * as otlp from './otlp-fields.ts';
import type { IdRange } from './span-ids.ts';

/** A message without its repeated children: the ranges of all its other fields, unknown ones too. */
export interface RawHeader {
  readonly ranges: readonly IdRange[];
}

/** What a visitor is told of each span: where it lies, and what was met on the way. */
export interface RawSpan {
  /** The span message, without tag and length. */
  readonly start: number;
  readonly end: number;
  readonly traceId: IdRange;
  readonly spanId: IdRange;
  readonly parentSpanId: IdRange;
  /** Offsets of the fixed64 values; -1 where they are absent. */
  readonly startTimeAt: number;
  readonly endTimeAt: number;
}

export interface RawScope {
  readonly resourceIndex: number;
  readonly header: RawHeader;
  readonly spans: readonly RawSpan[];
}

export interface RawRequest {
  readonly bytes: Buffer;
  /** Of each ResourceSpans. */
  readonly resources: readonly RawHeader[];
  /** In the order of the bytes. */
  readonly scopes: readonly RawScope[];
}

/**
 * Finds the spans of an ExportTraceServiceRequest or TracesData by byte range: tags and lengths of resources, scopes and spans
 * are read and checked, what lies in attributes, events and links is stepped over.
 * Throws MalformedOtlpError where a length does not fit.
 */
export function findSpans(body: Uint8Array): RawRequest {
  const reader = new FieldReader(body);
  const resources: RawHeader[] = [];
  const scopes: RawScope[] = [];
  while (reader.next(body.length)) {
    if (!reader.isBytes(otlp.request.resourceSpans)) continue;
    resources.push(readResource(reader, resources.length, scopes));
  }
  return { bytes: reader.bytes, resources, scopes };
}

function readResource(reader: FieldReader, resourceIndex: number, scopes: RawScope[]): RawHeader {
  const { end } = reader;
  const ranges: IdRange[] = [];
  reader.pos = reader.start;
  while (reader.next(end)) {
    if (reader.isBytes(otlp.resourceSpans.scopeSpans)) scopes.push(readScope(reader, resourceIndex));
    else ranges.push({ start: reader.fieldStart, end: reader.end });
  }
  return { ranges };
}

function readScope(reader: FieldReader, resourceIndex: number): RawScope {
  const { end } = reader;
  const ranges: IdRange[] = [];
  const spans: RawSpan[] = [];
  reader.pos = reader.start;
  while (reader.next(end)) {
    if (reader.isBytes(otlp.scopeSpans.spans)) spans.push(readSpan(reader));
    else ranges.push({ start: reader.fieldStart, end: reader.end });
  }
  return { resourceIndex, header: { ranges }, spans };
}

const absent: IdRange = { start: 0, end: 0 };

function readSpan(reader: FieldReader): RawSpan {
  const { start, end } = reader;
  let traceId = absent;
  let spanId = absent;
  let parentSpanId = absent;
  let startTimeAt = -1;
  let endTimeAt = -1;
  reader.pos = start;
  while (reader.next(end)) {
    const { field, wireType } = reader;
    if (wireType === 2) {
      if (field === otlp.span.traceId) traceId = { start: reader.start, end: reader.end };
      else if (field === otlp.span.spanId) spanId = { start: reader.start, end: reader.end };
      else if (field === otlp.span.parentSpanId) parentSpanId = { start: reader.start, end: reader.end };
    } else if (wireType === 1) {
      if (field === otlp.span.startTimeUnixNano) startTimeAt = reader.start;
      else if (field === otlp.span.endTimeUnixNano) endTimeAt = reader.start;
    }
  }
  return { start, end, traceId, spanId, parentSpanId, startTimeAt, endTimeAt };
}
