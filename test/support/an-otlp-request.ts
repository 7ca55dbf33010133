import { PbfWriter } from 'pbf';

/** A span as it is written on the wire, ids in hex of any length; defaults make it a valid one. */
export interface WireSpan {
  readonly traceId?: string;
  readonly spanId?: string;
  readonly parentSpanId?: string;
  readonly name?: string;
  readonly start?: bigint;
  readonly end?: bigint;
  /** Each written as a string attribute. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** Protobuf fields that are added as they are. */
  readonly extra?: Uint8Array;
}

export interface WireGroup {
  /** Becomes the resource attribute service.name. */
  readonly service?: string;
  readonly scope?: string;
  readonly spans: readonly WireSpan[];
  /** Protobuf fields added to the ResourceSpans and to the ScopeSpans. */
  readonly extra?: Uint8Array;
}

export const traceA = '0af7651916cd43dd8448eb211c80319c';
export const traceB = 'ffffffffffffffffffffffffffffff02';

/** An ExportTraceServiceRequest (or TracesData) protobuf. */
export function anOtlpRequest(...groups: readonly WireGroup[]): Uint8Array {
  return write((writer) => {
    for (const group of groups) writer.writeBytesField(1, resourceSpans(group));
  });
}

function resourceSpans({ service = 'app', scope = 'sdk', spans, extra }: WireGroup): Uint8Array {
  return write((writer) => {
    writer.writeBytesField(
      1,
      write((resource) => resource.writeBytesField(1, stringAttribute('service.name', service))),
    );
    writer.writeBytesField(2, scopeSpans(scope, spans, extra));
    if (extra) append(writer, extra);
  });
}

function scopeSpans(scope: string, spans: readonly WireSpan[], extra: Uint8Array | undefined): Uint8Array {
  return write((writer) => {
    writer.writeBytesField(
      1,
      write((scopeWriter) => scopeWriter.writeStringField(1, scope)),
    );
    for (const span of spans) writer.writeBytesField(2, aSpanMessage(span));
    if (extra) append(writer, extra);
  });
}

export function aSpanMessage(span: WireSpan): Uint8Array {
  return write((writer) => {
    writer.writeBytesField(1, Buffer.from(span.traceId ?? traceA, 'hex'));
    writer.writeBytesField(2, Buffer.from(span.spanId ?? '00f067aa0ba902b7', 'hex'));
    if (span.parentSpanId !== undefined) writer.writeBytesField(4, Buffer.from(span.parentSpanId, 'hex'));
    writer.writeStringField(5, span.name ?? 'chat');
    fixed64(writer, 7, span.start ?? 1_700_000_000_000_000_000n);
    fixed64(writer, 8, span.end ?? 1_700_000_001_000_000_000n);
    for (const [key, value] of Object.entries(span.attributes ?? {})) {
      writer.writeBytesField(9, stringAttribute(key, value));
    }
    if (span.extra) append(writer, span.extra);
  });
}

export function stringAttribute(key: string, value: string): Uint8Array {
  return keyValue(
    key,
    write((writer) => writer.writeStringField(1, value)),
  );
}

/** A KeyValue whose AnyValue is these bytes. */
export function keyValue(key: string, anyValue: Uint8Array): Uint8Array {
  return write((writer) => {
    writer.writeStringField(1, key);
    writer.writeBytesField(2, anyValue);
  });
}

export function write(fill: (writer: PbfWriter) => void): Uint8Array {
  const writer = new PbfWriter();
  fill(writer);
  return writer.finish();
}

function append(writer: PbfWriter, bytes: Uint8Array): void {
  writer.realloc(bytes.length);
  writer.buf.set(bytes, writer.pos);
  writer.pos += bytes.length;
}

function fixed64(writer: PbfWriter, field: number, value: bigint): void {
  const bytes = new Uint8Array(9);
  bytes[0] = (field << 3) | 1;
  new DataView(bytes.buffer).setBigUint64(1, value, true);
  append(writer, bytes);
}
