import { createHash } from 'node:crypto';

/**
 * The published sampling function, written a second time: the demo must not agree with Assay by sharing its code.
 * u = the first 53 bits of sha256("assay/sampling/v1\0" + id), as a fraction of 2^53; a trace is selected where u < rate.
 */
export function publishedCoordinate(id: string): number {
  const hex = createHash('sha256').update(`assay/sampling/v1\0${id}`).digest('hex');
  // 16 hex digits are 64 bits: the last 11 fall away.
  return Number(BigInt(`0x${hex.slice(0, 16)}`) / 2048n) / 2 ** 53;
}
