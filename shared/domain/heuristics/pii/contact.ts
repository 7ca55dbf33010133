import type { PiiFinding } from './pii-kind.ts';

/** Every repetition is bounded, so that each `@` costs a bounded number of steps. */
const email =
  /(?<![\w.+%-])[\w+%-](?:[\w.+%-]{0,62}[\w+%-])?@(?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.){1,8}[a-z]{2,24}(?![\w-])/gi;

/** E-mail addresses; `git@github.com:owner/name` is a repository. */
export function* findEmails(text: string): Iterable<PiiFinding> {
  for (const { 0: found, index } of text.matchAll(email)) {
    const end = index + found.length;
    const [local = '', domain = ''] = found.split('@');
    if (local.toLowerCase() === 'git' && /[:/]/.test(text[end] ?? '')) continue;
    const masked = `${local.slice(0, 1)}…@${domain.slice(0, 1)}….${domain.slice(domain.lastIndexOf('.') + 1)}`;
    yield { kind: 'email', label: 'e-mail address', start: index, end, masked };
  }
}

/** `+44 20 7946 0958`: a country code makes a number a telephone number. */
const international = /(?<![\w+.-])\+[1-9]\d{0,3}(?:[ .-]?\(?\d{1,5}\)?){1,6}(?![\w-]|[.,]\d)/g;
/** `(555) 123-4567`, `555-123-4567`: area codes do not begin with 0 or 1, and without separators it is any number. */
const northAmerican =
  /(?<![\w+.-]|\d )(?:1[ .-])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[ .-])\d{3}[ .-]\d{4}(?![\w-]|[ .,]\d)/g;
/** Any other number needs the word for it before it. */
const named =
  /(?<![\p{L}\d])(?:tel|telephone|telefon|telefono|teléfono|téléphone|phone|mobile|mobil|cell|handy|fax|whatsapp|móvil|portable)(?: (?:number|no|nr|is|ist|est|es))?[ .:#-]{0,4}(\(?\d(?:[ ./()-]{0,2}\d){6,14})(?![\w-])/giu;

/** Telephone numbers of 7 to 15 digits (E.164). */
export function* findPhones(text: string): Iterable<PiiFinding> {
  for (const pattern of [international, northAmerican, named]) {
    for (const match of text.matchAll(pattern)) {
      const number = match[1] ?? match[0];
      const digits = number.replace(/\D/g, '');
      if (digits.length < (pattern === named ? 7 : 8) || digits.length > 15) continue;
      const end = match.index + match[0].length;
      const masked = `${number.startsWith('+') ? '+' : ''}…${digits.slice(-2)}`;
      yield { kind: 'phone', label: 'phone number', start: end - number.length, end, masked };
    }
  }
}
