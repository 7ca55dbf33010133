import { createHash } from 'node:crypto';

/** What stands before an id when it is hashed. */
export const samplingPrefix = 'assay/sampling/v1\0';

/**
 * The sampling coordinate of a trace (or session): uniform in [0, 1), the same in every run and on every machine.
 * A published guarantee: the first 53 bits of sha256("assay/sampling/v1\0" + id) divided by 2^53.
 */
export function samplingCoordinate(id: string): number {
  const digest = createHash('sha256').update(samplingPrefix).update(id).digest();
  return Number(digest.readBigUInt64BE(0) >> 11n) / 2 ** 53;
}

/**
 * The coordinate is below the rate just where the hash, as hex digits in capitals, sorts before this text; undefined: it always is.
 * The 53 bits are the first 13¼ digits, so bounds have 14.
 */
export function samplingBound(rate: number): string | undefined {
  if (rate >= 1) return undefined;
  const below = BigInt(Math.ceil(Math.max(0, rate) * 2 ** 53)) * 8n;
  return below.toString(16).toUpperCase().padStart(14, '0');
}
