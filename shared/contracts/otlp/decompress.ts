import { gunzipSync, inflateRawSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import type { ContentEncoding } from '../arrival-message.ts';
import { BodyTooLargeError } from './body-too-large-error.ts';
import { MalformedOtlpError } from './malformed-otlp-error.ts';

/** What a body may hold when decompressed, bytes. */
export const maxBodyBytes = 64 * 1024 * 1024;

/**
 * The body without its content coding; itself where there is none. `deflate` is zlib as HTTP means it, or a bare deflate stream as
 * some clients send it. Throws BodyTooLargeError above `maxBytes` and MalformedOtlpError where the data is not in the encoding or
 * ends early.
 */
export function decompressBody(
  bytes: Uint8Array,
  encoding: ContentEncoding,
  { maxBytes }: { maxBytes: number },
): Uint8Array {
  if (encoding === 'identity') return bounded(bytes, maxBytes);
  try {
    return decompressors[encoding](bytes, maxBytes);
  } catch (error) {
    if (error instanceof BodyTooLargeError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxBytes);
    throw new MalformedOtlpError(`body is not ${encoding} data: ${(error as Error).message}`, { cause: error });
  }
}

const decompressors = { gzip: gunzip, deflate: inflate, zstd: unzstd };

function gunzip(bytes: Uint8Array, maxBytes: number): Uint8Array {
  return gunzipSync(bytes, options(bytes, { maxBytes, expected: declaredGzipSize(bytes) }));
}

function inflate(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const inflateAny = isZlib(bytes) ? inflateSync : inflateRawSync;
  return inflateAny(bytes, options(bytes, { maxBytes, expected: bytes.length * 10 }));
}

/** Frame by frame: Node stops after the first one of several. */
function unzstd(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let left = maxBytes;
  let at = 0;
  do {
    const rest = bytes.subarray(at);
    // With `info` the call also tells how much it read; the types do not know.
    const { buffer, engine } = zstdDecompressSync(rest, {
      ...options(rest, { maxBytes: left, expected: rest.length * 10 }),
      info: true,
    } as object) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
    parts.push(buffer);
    left -= buffer.length;
    at += engine.bytesWritten;
    if (left <= 0 && at < bytes.length) throw tooLarge(maxBytes);
  } while (at < bytes.length);
  return parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts);
}

/** One output chunk that holds everything is 40 % faster than the default of 16 KiB ones; no more than the data can expand to. */
function options(bytes: Uint8Array, { maxBytes, expected }: { maxBytes: number; expected: number }) {
  const chunkSize = Math.min(Math.max(expected + 1, 1024), maxExpansion * bytes.length + 1024, maxBytes + 1);
  return { maxOutputLength: maxBytes, chunkSize };
}

/** Of deflate, by its format. */
const maxExpansion = 1032;

/**
 * The last four bytes of gzip are the size modulo 2^32 (RFC 1952), of several members the last one's: good for a guess only, since
 * they say anything where the data ends early.
 */
function declaredGzipSize(bytes: Uint8Array): number {
  if (bytes.length < 18) return 0;
  return new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 4, 4).getUint32(0, true);
}

/** A zlib header (RFC 1950); no bare deflate stream can begin like it, since block type and these bits exclude each other. */
function isZlib(bytes: Uint8Array): boolean {
  const [first = 0, second = 0] = bytes;
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
}

function bounded(bytes: Uint8Array, maxBytes: number): Uint8Array {
  if (bytes.length > maxBytes) throw tooLarge(maxBytes);
  return bytes;
}

function tooLarge(maxBytes: number): BodyTooLargeError {
  return new BodyTooLargeError(`body is larger than ${maxBytes} bytes when decompressed`);
}

/** The compression that these bytes begin like: of a body that should be plain, the sign that it is compressed once more. */
export function sniffCompression(bytes: Uint8Array): 'gzip' | 'zstd' | undefined {
  const [a, b, c, d] = bytes;
  if (a === 0x1f && b === 0x8b) return 'gzip';
  return a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd ? 'zstd' : undefined;
}
