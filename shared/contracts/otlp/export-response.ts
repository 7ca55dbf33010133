import { PbfWriter } from 'pbf';
import { describeRefused, type RefusedSpan } from './span-ids.ts';
import { writeTextField } from './write-text.ts';

/** How a request is written, and therefore its reply. */
export type OtlpFormat = 'protobuf' | 'json';

export interface OtlpReply {
  readonly contentType: string;
  readonly body: Uint8Array;
}

/**
 * ExportTraceServiceResponse: empty where everything was accepted, else `partial_success` with how many spans were refused and why.
 * Source: opentelemetry-proto, collector/trace/v1/trace_service.proto; opentelemetry.io/docs/specs/otlp, "OTLP/HTTP Response".
 */
export function exportResponse(format: OtlpFormat, refused: readonly RefusedSpan[]): OtlpReply {
  if (refused.length === 0) return format === 'json' ? json({}) : protobuf(() => {});
  const errorMessage = describeRefused(refused);
  if (format === 'json') return json({ partialSuccess: { rejectedSpans: String(refused.length), errorMessage } });
  return protobuf((writer) => writer.writeMessage(1, writePartialSuccess, { rejected: refused.length, errorMessage }));
}

function writePartialSuccess(
  { rejected, errorMessage }: { rejected: number; errorMessage: string },
  writer: PbfWriter,
): void {
  writer.writeVarintField(1, rejected);
  writeTextField(writer, 2, errorMessage);
}

/**
 * google.rpc.Status, the body of every OTLP error. `code` is gRPC's number.
 * Source: opentelemetry.io/docs/specs/otlp, "Failures"; google/rpc/status.proto.
 */
export function errorStatus(format: OtlpFormat, { code, message }: { code: number; message: string }): OtlpReply {
  if (format === 'json') return json({ code, message });
  return protobuf((writer) => {
    writer.writeVarintField(1, code);
    writeTextField(writer, 2, message);
  });
}

function json(value: object): OtlpReply {
  return { contentType: contentTypes.json, body: Buffer.from(JSON.stringify(value)) };
}

function protobuf(write: (writer: PbfWriter) => void): OtlpReply {
  const writer = new PbfWriter();
  write(writer);
  return { contentType: contentTypes.protobuf, body: writer.finish() };
}

export const contentTypes: Readonly<Record<OtlpFormat, string>> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
};
