import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { decodeTracesData } from '../contracts/otlp/decode-spans.ts';
import { mergeTracesData } from '../contracts/otlp/merge-blocks.ts';
import type { TraceCodec } from '../domain/ports.ts';

// Level 3: 100 µs per 20 KB trace; level 9 costs five times that for 3 to 13 % less.
const compression = { params: { [constants.ZSTD_c_compressionLevel]: 3 } };

/** Blocks are OTLP TracesData messages, each compressed by itself so that one ranged read suffices. */
export const otlpTraceCodec: TraceCodec = {
  decode: decodeTracesData,
  merge: mergeTracesData,
  compress: (tracesData) => zstdCompressSync(tracesData, compression),
  decompress: (block) => zstdDecompressSync(block),
};
