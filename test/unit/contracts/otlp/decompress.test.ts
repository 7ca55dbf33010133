import { deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { ContentEncoding } from '../../../../shared/contracts/arrival-message.ts';
import { BodyTooLargeError } from '../../../../shared/contracts/otlp/body-too-large-error.ts';
import { decompressBody, maxBodyBytes, sniffCompression } from '../../../../shared/contracts/otlp/decompress.ts';
import { MalformedOtlpError } from '../../../../shared/contracts/otlp/malformed-otlp-error.ts';

const maxBytes = 200_000;
/** Compresses badly, so that one output chunk of a guessed size is not always enough, and well in its second half. */
const text = Buffer.concat([
  Buffer.from(Array.from({ length: 50_000 }, (_, i) => (i * i) % 251)),
  Buffer.alloc(100_000, 'a'),
]);

const codings: readonly [string, ContentEncoding, (bytes: Uint8Array) => Uint8Array][] = [
  ['gzip', 'gzip', gzipSync],
  ['zlib', 'deflate', deflateSync],
  ['bare deflate', 'deflate', deflateRawSync],
  ['zstd', 'zstd', zstdCompressSync],
];

describe('decompressBody', () => {
  test.each(codings)('unpacks %s', (_, encoding, compress) => {
    for (const body of [text, Buffer.from('x'), Buffer.alloc(0)]) {
      expect(Buffer.from(decompressBody(compress(body), encoding, { maxBytes })).equals(body)).toBe(true);
    }
  });

  test.each(codings.filter(([, encoding]) => encoding !== 'deflate'))(
    'unpacks %s of several parts',
    (_, encoding, compress) => {
      const parts = Buffer.concat([compress(text.subarray(0, 70_000)), compress(text.subarray(70_000))]);
      expect(Buffer.from(decompressBody(parts, encoding, { maxBytes })).equals(text)).toBe(true);
    },
  );

  test('hands plain bodies through', () => {
    expect(decompressBody(text, 'identity', { maxBytes })).toBe(text);
  });

  test.each(codings)('accepts %s of exactly the limit and refuses one byte more', (_, encoding, compress) => {
    const body = compress(text);
    expect(decompressBody(body, encoding, { maxBytes: text.length })).toHaveLength(text.length);
    expect(() => decompressBody(body, encoding, { maxBytes: text.length - 1 })).toThrow(BodyTooLargeError);
  });

  test('counts all parts of a zstd body against the limit', () => {
    const part = zstdCompressSync(Buffer.alloc(100_000));
    expect(() => decompressBody(Buffer.concat([part, part, part]), 'zstd', { maxBytes })).toThrow(BodyTooLargeError);
  });

  test('refuses a plain body above the limit', () => {
    expect(() => decompressBody(text, 'identity', { maxBytes: 10 })).toThrow(BodyTooLargeError);
  });

  test.each(codings)(
    'says of %s that ends early, of none and of other data that it is malformed',
    (_, encoding, compress) => {
      const body = compress(text);
      for (const bad of [
        body.subarray(0, body.length - 9),
        body.subarray(0, 5),
        Buffer.from('no such data at all'),
        Buffer.alloc(0),
      ]) {
        expect(() => decompressBody(bad, encoding, { maxBytes })).toThrow(MalformedOtlpError);
      }
    },
  );

  test.each(codings)('stops a bomb of 1 GB in %s at the limit', (_, encoding, compress) => {
    // Built from one part again and again where the format has parts; else 256 MiB, four times the limit.
    const part = compress(Buffer.alloc(encoding === 'deflate' ? 256 * 1024 * 1024 : 64 * 1024 * 1024));
    const bomb = encoding === 'deflate' ? part : Buffer.concat(Array.from({ length: 16 }, () => part));
    const before = process.memoryUsage().arrayBuffers;
    expect(() => decompressBody(bomb, encoding, { maxBytes: maxBodyBytes })).toThrow(BodyTooLargeError);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(3 * maxBodyBytes);
  });

  test('does not believe the size that gzip declares', () => {
    // The empty last member declares 0 bytes for all of them.
    const body = Buffer.concat([gzipSync(text), gzipSync(Buffer.alloc(0))]);
    expect(decompressBody(body, 'gzip', { maxBytes })).toHaveLength(text.length);
    body.writeUInt32LE(2 ** 32 - 1, body.length - 4);
    expect(() => decompressBody(body, 'gzip', { maxBytes })).toThrow(MalformedOtlpError);
  });
});

test('sniffCompression knows gzip and zstd from plain bodies', () => {
  expect(sniffCompression(gzipSync('x'))).toBe('gzip');
  expect(sniffCompression(zstdCompressSync('x'))).toBe('zstd');
  expect(sniffCompression(Buffer.from('{}'))).toBeUndefined();
  expect(sniffCompression(Buffer.alloc(0))).toBeUndefined();
});
