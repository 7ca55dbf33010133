import { InvalidArgumentError } from 'commander';

const unitMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

/** A moment in ISO 8601: so long ago (30m, 24h, 7d, 2w), or the time that is given. */
export function toPastTime(text: string): string {
  // What else Date.parse reads: "7" is July 2001 to it, and so is "june 7".
  const isIso = /^\d{4}-\d\d/.test(text);
  const [, count, unit = ''] = /^(\d{1,5})([mhdw])$/.exec(text) ?? [];
  const time = count === undefined ? Date.parse(isIso ? text : '') : Date.now() - Number(count) * (unitMs[unit] ?? 0);
  if (Number.isNaN(time))
    throw new InvalidArgumentError('expected how long ago, such as 7d or 24h, or a time such as 2026-06-01T12:00:00Z');
  return new Date(time).toISOString();
}
