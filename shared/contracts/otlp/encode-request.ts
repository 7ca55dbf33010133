import { PbfWriter } from 'pbf';
import { BodyTooLargeError } from './body-too-large-error.ts';
import { encodeSpan } from './encode-span.ts';
import { writeAttributes } from './encode-values.ts';
import { asList, asObject, asText, type JsonObject, JsonValueError, pick } from './json-values.ts';
import { MalformedOtlpError } from './malformed-otlp-error.ts';
import * as otlp from './otlp-fields.ts';
import { maxParts } from './request-limits.ts';
import type { RefusedSpan } from './span-ids.ts';
import { writeTextField } from './write-text.ts';

/** Spans met so far, and those of them that were refused. */
interface Progress {
  position: number;
  readonly refused: RefusedSpan[];
}

/** An ExportTraceServiceRequest in OTLP/JSON, parsed, as protobuf; see `otlpJsonToProtobuf`. */
export function encodeRequest(value: unknown): { body: Uint8Array; refused: readonly RefusedSpan[] } {
  const progress: Progress = { position: 0, refused: [] };
  try {
    const writer = new PbfWriter();
    for (const item of resourceSpansOf(value)) {
      writer.writeMessage(otlp.request.resourceSpans, writeResourceSpans, { item, progress });
    }
    return { body: writer.finish(), refused: progress.refused };
  } catch (error) {
    if (!(error instanceof JsonValueError)) throw error;
    throw new MalformedOtlpError(`JSON is not an ExportTraceServiceRequest: ${error.message}`, { cause: error });
  }
}

function resourceSpansOf(value: unknown): readonly unknown[] {
  const request = asObject(value, 'the body');
  const list = pick(request, 'resourceSpans', 'resource_spans');
  // The empty message is `{}`; anything else without this field is something else.
  if (list === undefined && Object.keys(request).length > 0)
    throw new JsonValueError('resourceSpans is absent, expected an array');
  return asList(list, 'resourceSpans');
}

interface Part {
  readonly item: unknown;
  readonly progress: Progress;
}

function writeResourceSpans({ item, progress }: Part, writer: PbfWriter): void {
  const group = asObject(item, 'resourceSpans item');
  const resource = group.resource ?? undefined;
  if (resource !== undefined)
    writer.writeMessage(otlp.resourceSpans.resource, writeResource, asObject(resource, 'resource'));
  for (const scope of asList(pick(group, 'scopeSpans', 'scope_spans'), 'scopeSpans')) {
    writer.writeMessage(otlp.resourceSpans.scopeSpans, writeScopeSpans, { item: scope, progress });
  }
  writeText(writer, otlp.resourceSpans.schemaUrl, pick(group, 'schemaUrl', 'schema_url'));
}

function writeResource(resource: JsonObject, writer: PbfWriter): void {
  writeAttributes(writer, otlp.resource.attributes, resource.attributes);
}

function writeScopeSpans({ item, progress }: Part, writer: PbfWriter): void {
  const group = asObject(item, 'scopeSpans item');
  const scope = group.scope ?? undefined;
  if (scope !== undefined) writer.writeMessage(otlp.scopeSpans.scope, writeScope, asObject(scope, 'scope'));
  for (const span of asList(group.spans, 'spans')) {
    if (progress.position >= maxParts) throw new BodyTooLargeError('body has more spans than one request may have');
    const encoded = encodeSpan(span);
    if (encoded instanceof Uint8Array) writer.writeBytesField(otlp.scopeSpans.spans, encoded);
    else progress.refused.push({ position: progress.position, reason: encoded.reason });
    progress.position++;
  }
  writeText(writer, otlp.scopeSpans.schemaUrl, pick(group, 'schemaUrl', 'schema_url'));
}

function writeScope(scope: JsonObject, writer: PbfWriter): void {
  writeText(writer, otlp.scope.name, scope.name);
  writeText(writer, otlp.scope.version, scope.version);
  writeAttributes(writer, otlp.scope.attributes, scope.attributes);
}

function writeText(writer: PbfWriter, field: number, value: unknown): void {
  const text = asText(value, 'name, version or schema url');
  if (text !== '') writeTextField(writer, field, text);
}
