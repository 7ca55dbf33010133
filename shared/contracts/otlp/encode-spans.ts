import { jsonText } from '../../domain/facts/attribute-text.ts';
import type { Attributes, AttributeValue, Span } from '../../domain/span.ts';
import { encodeRequest } from './encode-request.ts';

/** The spans as a TracesData protobuf, those of one resource and scope together; reading it gives the spans again. */
export function encodeTracesData(spans: readonly Span[]): Uint8Array {
  const groups = [...Map.groupBy(spans, ({ resource, scope }) => jsonText([resource.attributes, { ...scope }]))];
  const resourceSpans = groups.map(([, [first, ...more]]) => ({
    resource: { attributes: keyValues(first?.resource.attributes) },
    scopeSpans: [{ scope: first?.scope, spans: [first, ...more].map((span) => span && otlpSpan(span)) }],
  }));
  return encodeRequest({ resourceSpans }).body;
}

function otlpSpan(span: Span) {
  return {
    ...span,
    startTimeUnixNano: String(span.startTimeUnixNano),
    endTimeUnixNano: String(span.endTimeUnixNano),
    attributes: keyValues(span.attributes),
    events: span.events.map(({ timeUnixNano, name, attributes }) => ({
      timeUnixNano: String(timeUnixNano),
      name,
      attributes: keyValues(attributes),
    })),
    links: span.links.map((link) => ({ ...link, attributes: keyValues(link.attributes) })),
    status: { message: span.status.message, code: `STATUS_CODE_${span.status.code}` },
  };
}

function keyValues(attributes: Attributes = {}): readonly { key: string; value: object }[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: AttributeValue): object {
  switch (typeof value) {
    case 'string':
      return { stringValue: value };
    case 'boolean':
      return { boolValue: value };
    case 'bigint':
      return { intValue: String(value) };
    case 'number':
      return Number.isSafeInteger(value) && !Object.is(value, -0)
        ? { intValue: String(value) }
        : { doubleValue: value };
  }
  if (value === null) return {};
  if (value instanceof Uint8Array) return { bytesValue: Buffer.from(value).toString('base64') };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } };
  return { kvlistValue: { values: keyValues(value as Attributes) } };
}
