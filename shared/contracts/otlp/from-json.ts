import { encodeRequest } from './encode-request.ts';
import { parseJson } from './parse-json.ts';
import type { RefusedSpan } from './span-ids.ts';

/**
 * OTLP/JSON (ids in hex, int64 as string or number, enums as number or name, names in camelCase or snake_case, unknown fields
 * ignored) as an ExportTraceServiceRequest protobuf. Spans that cannot be written are left out and reported; positions count the
 * spans of the request. Throws MalformedOtlpError where the text is not JSON or not such a request, and
 * BodyTooLargeError above 200,000 spans.
 * Source: opentelemetry.io/docs/specs/otlp, "JSON Protobuf Encoding"; protobuf.dev/programming-guides/json.
 */
export function otlpJsonToProtobuf(text: string): { body: Uint8Array; refused: readonly RefusedSpan[] } {
  return encodeRequest(parseJson(text));
}
