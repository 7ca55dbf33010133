/**
 * Field numbers of the OTLP messages that Assay reads and writes.
 * Source: opentelemetry-proto v1.9, collector/trace/v1, trace/v1, common/v1 and resource/v1. `TracesData` and
 * `ExportTraceServiceRequest` have the same one field.
 */
export const request = { resourceSpans: 1 } as const;
export const resourceSpans = { resource: 1, scopeSpans: 2, schemaUrl: 3 } as const;
export const resource = { attributes: 1, droppedAttributesCount: 2 } as const;
export const scopeSpans = { scope: 1, spans: 2, schemaUrl: 3 } as const;
export const scope = { name: 1, version: 2, attributes: 3, droppedAttributesCount: 4 } as const;
export const span = {
  traceId: 1,
  spanId: 2,
  traceState: 3,
  parentSpanId: 4,
  name: 5,
  kind: 6,
  startTimeUnixNano: 7,
  endTimeUnixNano: 8,
  attributes: 9,
  droppedAttributesCount: 10,
  events: 11,
  droppedEventsCount: 12,
  links: 13,
  droppedLinksCount: 14,
  status: 15,
  flags: 16,
} as const;
export const event = { timeUnixNano: 1, name: 2, attributes: 3, droppedAttributesCount: 4 } as const;
export const link = {
  traceId: 1,
  spanId: 2,
  traceState: 3,
  attributes: 4,
  droppedAttributesCount: 5,
  flags: 6,
} as const;
export const status = { message: 2, code: 3 } as const;
export const keyValue = { key: 1, value: 2 } as const;
export const anyValue = { string: 1, bool: 2, int: 3, double: 4, array: 5, kvlist: 6, bytes: 7 } as const;
export const list = { values: 1 } as const;

/** Values nested deeper are replaced by the marker: no stack overflows, and a person sees why. */
export const maxValueDepth = 256;
export const tooDeepMarker = `[nested deeper than ${maxValueDepth} levels]`;
