import type { ContentEncoding } from '../arrival-message.ts';
import { BodyTooLargeError } from '../otlp/body-too-large-error.ts';
import { decompressBody, maxBodyBytes, sniffCompression } from '../otlp/decompress.ts';
import type { OtlpFormat } from '../otlp/export-response.ts';
import { otlpJsonToProtobuf } from '../otlp/from-json.ts';
import { MalformedOtlpError } from '../otlp/malformed-otlp-error.ts';
import type { RefusedSpan } from '../otlp/span-ids.ts';
import { walkTracesRequest } from '../otlp/walk-request.ts';
import { RefusedRequest } from './refused-request.ts';

/**
 * What Lambda takes: an event of 6 MB, in which API Gateway has put the body as base64, less room for the headers.
 * Source: docs.aws.amazon.com/lambda, "Lambda quotas".
 */
const maxWireBytes = 4_600_000;

export interface CheckedBody {
  /** Spans that will be stored. */
  readonly spanCount: number;
  readonly refused: readonly RefusedSpan[];
}

/** Checks a body as far as it takes to know that it can be stored. Throws RefusedRequest 400 or 413. */
export function checkBody(
  wireBytes: Uint8Array,
  { format, encoding }: { format: OtlpFormat; encoding: ContentEncoding },
): CheckedBody {
  if (wireBytes.length > maxWireBytes) {
    throw new RefusedRequest(
      413,
      `body of ${wireBytes.length} bytes, expected at most ${maxWireBytes}: send smaller batches, or compress them`,
    );
  }
  try {
    const body = decompressBody(wireBytes, encoding, { maxBytes: maxBodyBytes });
    requirePlain(body, encoding);
    return format === 'json' ? checkJson(body) : walkTracesRequest(body);
  } catch (error) {
    if (error instanceof BodyTooLargeError)
      throw new RefusedRequest(413, `${error.message}: send smaller batches`, { cause: error });
    if (error instanceof MalformedOtlpError) throw new RefusedRequest(400, error.message, { cause: error });
    throw error;
  }
}

function checkJson(body: Uint8Array): CheckedBody {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  const converted = otlpJsonToProtobuf(text);
  return { spanCount: walkTracesRequest(converted.body).spanCount, refused: converted.refused };
}

function requirePlain(body: Uint8Array, encoding: ContentEncoding): void {
  const compression = sniffCompression(body);
  if (!compression) return;
  const mistake =
    encoding === 'identity'
      ? `the body is ${compression} data: say so in content-encoding`
      : `the body is compressed twice: below ${encoding} lies ${compression} data; compress it once`;
  throw new MalformedOtlpError(mistake);
}
