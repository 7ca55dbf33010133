import { createHash } from 'node:crypto';

/**
 * The sampling coordinate of a trace (or session): uniform in [0, 1), the same in every run and on every machine.
 * A published guarantee: the first 53 bits of sha256("assay/sampling/v1\0" + id) divided by 2^53.
 */
export function samplingCoordinate(id: string): number {
  const digest = createHash('sha256').update('assay/sampling/v1\0').update(id).digest();
  return Number(digest.readBigUInt64BE(0) >> 11n) / 2 ** 53;
}
