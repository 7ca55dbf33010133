import type { DecodedSpan } from '../../domain/ports.ts';
import type { Attributes, Resource, Scope, Span, SpanEvent, SpanLink, SpanStatus } from '../../domain/span.ts';
import { decodeEvent, decodeLink, decodeStatus, readFields } from './decode-span-parts.ts';
import { decodeAttribute } from './decode-values.ts';
import { FieldReader, wire } from './field-reader.ts';
import * as otlp from './otlp-fields.ts';
import { isZero, spanIdLength } from './span-ids.ts';

/**
 * The spans of a TracesData (or ExportTraceServiceRequest) protobuf, in the order of the bytes, repeated ones too.
 *
 * Throws MalformedOtlpError where the spans themselves cannot be found, which `walkTracesRequest` has excluded. Below that nothing
 * throws: text that is not UTF-8 holds U+FFFD, values nested too deep and attributes that cannot be read hold a marker.
 */
export function decodeTracesData(bytes: Uint8Array): readonly DecodedSpan[] {
  const reader = new FieldReader(bytes);
  const spans: DecodedSpan[] = [];
  while (reader.next(bytes.length)) {
    if (reader.isBytes(otlp.request.resourceSpans)) decodeResourceSpans(reader, spans);
  }
  return spans;
}

function decodeResourceSpans(reader: FieldReader, spans: DecodedSpan[]): void {
  const { start, end } = reader;
  const resource = decodeResource(reader, start, end);
  reader.pos = start;
  while (reader.next(end)) {
    if (reader.isBytes(otlp.resourceSpans.scopeSpans)) decodeScopeSpans(reader, resource, spans);
  }
}

/** Looks ahead: the resource may stand behind its spans. */
function decodeResource(reader: FieldReader, from: number, to: number): Resource {
  const attributes: Attributes = {};
  reader.pos = from;
  while (reader.next(to)) {
    if (!reader.isBytes(otlp.resourceSpans.resource)) continue;
    readFields(reader, () => {
      if (reader.isBytes(otlp.resource.attributes)) decodeAttribute(reader, attributes);
    });
  }
  return { attributes };
}

function decodeScopeSpans(reader: FieldReader, resource: Resource, spans: DecodedSpan[]): void {
  const { start, end } = reader;
  const scope = decodeScope(reader, start, end);
  reader.pos = start;
  while (reader.next(end)) {
    if (!reader.isBytes(otlp.scopeSpans.spans)) continue;
    const sizeBytes = reader.end - reader.start;
    spans.push({ span: decodeSpan(reader, resource, scope), sizeBytes });
  }
}

function decodeScope(reader: FieldReader, from: number, to: number): Scope {
  const scope = { name: '', version: '' };
  reader.pos = from;
  while (reader.next(to)) {
    if (!reader.isBytes(otlp.scopeSpans.scope)) continue;
    readFields(reader, () => {
      if (reader.isBytes(otlp.scope.name)) scope.name = reader.text();
      else if (reader.isBytes(otlp.scope.version)) scope.version = reader.text();
    });
  }
  return scope;
}

function decodeSpan(reader: FieldReader, resource: Resource, scope: Scope): Span {
  const { end } = reader;
  const events: SpanEvent[] = [];
  const links: SpanLink[] = [];
  const span = {
    traceId: '',
    spanId: '',
    parentSpanId: undefined as string | undefined,
    name: '',
    kind: 0,
    startTimeUnixNano: 0n,
    endTimeUnixNano: 0n,
    attributes: {} as Attributes,
    events,
    links,
    status: { code: 'UNSET', message: '' } as SpanStatus,
    traceState: undefined as string | undefined,
    resource,
    scope,
  };
  reader.pos = reader.start;
  while (reader.next(end)) {
    const { wireType } = reader;
    if (wireType === wire.bytes) {
      switch (reader.field) {
        case otlp.span.attributes:
          decodeAttribute(reader, span.attributes);
          break;
        case otlp.span.events:
          events.push(decodeEvent(reader));
          break;
        case otlp.span.links:
          links.push(decodeLink(reader));
          break;
        case otlp.span.status:
          span.status = decodeStatus(reader);
          break;
        case otlp.span.name:
          span.name = reader.text();
          break;
        case otlp.span.traceId:
          span.traceId = reader.hex();
          break;
        case otlp.span.spanId:
          span.spanId = reader.hex();
          break;
        case otlp.span.parentSpanId:
          span.parentSpanId = parentSpanId(reader);
          break;
        case otlp.span.traceState:
          span.traceState = reader.text() || undefined;
          break;
      }
    } else if (wireType === wire.fixed64) {
      if (reader.field === otlp.span.startTimeUnixNano) span.startTimeUnixNano = reader.fixed64();
      else if (reader.field === otlp.span.endTimeUnixNano) span.endTimeUnixNano = reader.fixed64();
    } else if (wireType === wire.varint && reader.field === otlp.span.kind) {
      span.kind = spanKind(reader.int64());
    }
  }
  return span;
}

function parentSpanId(reader: FieldReader): string | undefined {
  return reader.end - reader.start === spanIdLength && !isZero(reader.bytes, reader) ? reader.hex() : undefined;
}

/** A kind that OTLP does not have (yet) counts as unspecified. */
function spanKind(kind: number | bigint): number {
  return kind >= 0 && kind <= 5 ? Number(kind) : 0;
}
