import { createHash } from 'node:crypto';

/**
 * A number in [0, 1) that follows from a seed and a place alone: what happens in one conversation does not depend on how
 * many others run beside it.
 */
export function chanceAt(seed: string, ...place: readonly (string | number)[]): number {
  return Number.parseInt(hexAt(seed, ...place).slice(0, 12), 16) / 2 ** 48;
}

/** 64 hex digits that follow from a seed and a place. */
export function hexAt(seed: string, ...place: readonly (string | number)[]): string {
  return createHash('sha256')
    .update(JSON.stringify([seed, ...place]))
    .digest('hex');
}

/** The item of a list that a number in [0, 1) falls on. */
export function pick<T>(items: readonly T[], chance: number): T {
  const item = items[Math.floor(chance * items.length)];
  if (item === undefined) throw new Error(`nothing to pick at ${chance} of ${items.length} items`);
  return item;
}

/** A number in [low, high) at a chance in [0, 1). */
export function between(low: number, high: number, chance: number): number {
  return low + (high - low) * chance;
}
