import { InvalidArgumentError } from 'commander';

/** An option's number: an amount, a bound. */
export function toNumber(text: string): number {
  if (/^\d{1,15}(?:\.\d{1,9})?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected a number, 0 or above');
}

/** An option that counts, or names a version. */
export function toWholeNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected a whole number above 0');
}
