import { fitsAt, type PartFinder, partFinder } from './find-part.ts';
import { InvalidFilterError } from './invalid-filter-error.ts';

/** Of a pattern with `%`. Longer ones are no patterns that people write, and cost a step for every 32 characters and character of text. */
const maxPatternLength = 4_096;

/**
 * SQL's LIKE: `%` is any run of characters, `_` any one; the pattern stands for the whole text. Case is ignored on request.
 * Takes time linear in the text, whatever the pattern.
 * @throws InvalidFilterError
 */
export function compileLike(pattern: string, { ignoreCase }: { ignoreCase: boolean }): (text: string) => boolean {
  const match = compileCaseSensitive(ignoreCase ? pattern.toLowerCase() : pattern);
  return ignoreCase ? (text) => match(text.toLowerCase()) : match;
}

function compileCaseSensitive(pattern: string): (text: string) => boolean {
  const [head = '', ...rest] = pattern.split('%');
  const tail = rest.pop();
  if (tail === undefined) return (text) => text.length === head.length && fitsAt(head, { text, at: 0 });
  if (pattern.length > maxPatternLength) {
    throw new InvalidFilterError(
      `LIKE pattern of ${pattern.length} characters, expected at most ${maxPatternLength} where it holds '%'`,
    );
  }
  const middles = rest.filter((part) => part !== '').map((part) => ({ length: part.length, find: partFinder(part) }));
  const atLeast = head.length + tail.length;
  return (text) => {
    const tailAt = text.length - tail.length;
    if (text.length < atLeast || !fitsAt(head, { text, at: 0 }) || !fitsAt(tail, { text, at: tailAt })) return false;
    return findAll(middles, { text, from: head.length, to: tailAt });
  };
}

/** Whether the parts stand one after the other between two positions; the leftmost place of each leaves most room for the next. */
function findAll(
  parts: readonly { readonly length: number; readonly find: PartFinder }[],
  { text, from, to }: { text: string; from: number; to: number },
): boolean {
  let at = from;
  for (const { length, find } of parts) {
    const found = find(text, at);
    if (found === -1 || found + length > to) return false;
    at = found + length;
  }
  return true;
}
