import { isLuhnValid } from './checksums.ts';
import type { PiiFinding } from './pii-kind.ts';

/** Digits with single spaces or dashes between them, not a part of a longer number, a decimal or an identifier. */
const candidate = /(?<![\w.$€£#-]|\d[ -])\d(?:[ -]?\d){13,15}(?![\w-]|[ .,]\d)/g;

/** Issuer prefixes and lengths in use (ISO/IEC 7812 ranges): without them one in ten order numbers would pass the checksum. */
const brands: readonly { readonly name: string; readonly pattern: RegExp }[] = [
  { name: 'Visa', pattern: /^4\d{15}$/ },
  { name: 'Mastercard', pattern: /^(?:5[1-5]\d{2}|222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}$/ },
  { name: 'American Express', pattern: /^3[47]\d{13}$/ },
  { name: 'Discover', pattern: /^(?:6011|64[4-9]\d|65\d{2})\d{12}$/ },
  { name: 'JCB', pattern: /^35(?:2[89]|[3-8]\d)\d{12}$/ },
  { name: 'Diners Club', pattern: /^3(?:0[0-5]|[68]\d)\d{11}$/ },
  { name: 'UnionPay', pattern: /^62\d{14}$/ },
];

/** Payment card numbers: a known issuer, the length it uses, and a Luhn check digit that holds. */
export function* findCreditCards(text: string): Iterable<PiiFinding> {
  for (const { 0: found, index } of text.matchAll(candidate)) {
    const digits = found.replace(/[ -]/g, '');
    if (!brands.some(({ pattern }) => pattern.test(digits)) || !isLuhnValid(digits)) continue;
    // The last four digits are what receipts print.
    yield {
      kind: 'credit_card',
      label: 'card number',
      start: index,
      end: index + found.length,
      masked: `…${digits.slice(-4)}`,
    };
  }
}
