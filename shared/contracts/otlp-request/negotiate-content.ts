import { type ContentEncoding, contentEncodings } from '../arrival-message.ts';
import { contentTypes, type OtlpFormat } from '../otlp/export-response.ts';
import { RefusedRequest } from './refused-request.ts';

/** Header names are lower case, as API Gateway sends them. */
export type Headers = Readonly<Record<string, string | undefined>>;

/** The format of the reply: the request's, and JSON where it has neither. */
export function replyFormat(headers: Headers): OtlpFormat {
  return formatOf(headers) ?? 'json';
}

/** The format of the body. Throws RefusedRequest 415. */
export function requireFormat(headers: Headers): OtlpFormat {
  const format = formatOf(headers);
  if (format) return format;
  const got = mediaType(headers);
  if (got.startsWith('application/grpc')) {
    throw new RefusedRequest(
      415,
      'gRPC is not served here: set the exporter to OTLP over HTTP (protocol http/protobuf or http/json)',
    );
  }
  throw new RefusedRequest(
    415,
    `content type ${got === '' ? 'is absent' : JSON.stringify(got)}, expected ${contentTypes.protobuf} or ${contentTypes.json}`,
  );
}

/** The content coding of the body. Throws RefusedRequest 415 and says what is accepted. */
export function requireEncoding(headers: Headers): ContentEncoding {
  const got = (headers['content-encoding'] ?? '').trim().toLowerCase() || 'identity';
  const encoding = contentEncodings.find((name) => name === got);
  if (encoding) return encoding;
  const accepted = contentEncodings.filter((name) => name !== 'identity').join(', ');
  throw new RefusedRequest(415, `content encoding ${JSON.stringify(got)}, expected one of ${accepted}, or none`, {
    headers: { 'accept-encoding': accepted },
  });
}

function formatOf(headers: Headers): OtlpFormat | undefined {
  const got = mediaType(headers);
  if (got === contentTypes.protobuf) return 'protobuf';
  return got === contentTypes.json ? 'json' : undefined;
}

function mediaType(headers: Headers): string {
  return (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}
