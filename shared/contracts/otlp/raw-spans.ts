import { BodyTooLargeError } from './body-too-large-error.ts';
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

/** Where the parts of a request are gathered; `left` counts down so that a body of millions of empty messages ends early. */
interface Gathering {
  readonly reader: FieldReader;
  readonly resources: RawHeader[];
  readonly scopes: RawScope[];
  left: number;
}

/**
 * Finds the spans of an ExportTraceServiceRequest or TracesData by byte range: tags and lengths of resources, scopes and spans
 * are read and checked, what lies in attributes, events and links is stepped over.
 * Throws MalformedOtlpError where a length does not fit, BodyTooLargeError above `maxParts` resources, scopes and spans.
 */
export function findSpans(body: Uint8Array, { maxParts }: { maxParts: number }): RawRequest {
  const reader = new FieldReader(body);
  const gathering: Gathering = { reader, resources: [], scopes: [], left: maxParts };
  while (reader.next(body.length)) {
    if (reader.isBytes(otlp.request.resourceSpans)) readResource(gathering);
  }
  return { bytes: reader.bytes, resources: gathering.resources, scopes: gathering.scopes };
}

function countPart(gathering: Gathering): void {
  if (gathering.left-- <= 0) throw new BodyTooLargeError('body has more spans than one request may have');
}

function readResource(gathering: Gathering): void {
  countPart(gathering);
  const { reader, resources } = gathering;
  const resourceIndex = resources.length;
  const ranges: IdRange[] = [];
  resources.push({ ranges });
  readParts(reader, ranges, () => {
    if (!reader.isBytes(otlp.resourceSpans.scopeSpans)) return false;
    readScope(gathering, resourceIndex);
    return true;
  });
}

function readScope(gathering: Gathering, resourceIndex: number): void {
  countPart(gathering);
  const { reader, scopes } = gathering;
  const ranges: IdRange[] = [];
  const spans: RawSpan[] = [];
  scopes.push({ resourceIndex, header: { ranges }, spans });
  readParts(reader, ranges, () => {
    if (!reader.isBytes(otlp.scopeSpans.spans)) return false;
    countPart(gathering);
    spans.push(readSpan(reader));
    return true;
  });
}

/** Steps through a message: what `readPart` does not take belongs to its header. Neighbouring fields become one range. */
function readParts(reader: FieldReader, header: IdRange[], readPart: () => boolean): void {
  const { end } = reader;
  reader.pos = reader.start;
  let start = -1;
  while (reader.next(end)) {
    const { fieldStart } = reader;
    if (readPart()) {
      if (start >= 0) header.push({ start, end: fieldStart });
      start = -1;
    } else if (start < 0) start = fieldStart;
  }
  if (start >= 0) header.push({ start, end });
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
