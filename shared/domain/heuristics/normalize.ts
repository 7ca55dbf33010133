const digit = /\p{Nd}/u;
/** NFKC turns U+00B4 into a space with an accent, and full-width apostrophes into plain ones: they go before it and after. */
const apostrophes = /['’‘`´]/g;
const wordCharacter = /[\p{L}\p{M}\p{N}]/u;

/**
 * A text as it compares: compatibility forms unified (NFKC), lower case, without apostrophes and without punctuation but in
 * numbers, single spaces. Normalizing twice changes nothing.
 */
export function normalize(text: string): string {
  const folded = text
    .replace(apostrophes, '')
    .normalize('NFKC')
    .toLowerCase()
    .replace(apostrophes, '')
    .normalize('NFKC');
  const kept = folded.replace(/\p{P}/gu, (mark, at: number) =>
    isPartOfNumber(mark, { text: folded, at }) ? mark : ' ',
  );
  return kept.replace(/\s+/g, ' ').trim();
}

/** Inside a number (1.5, 1,000, 12:30, 2026-01-31) or as its sign (-5) a mark carries meaning. */
function isPartOfNumber(mark: string, { text, at }: { text: string; at: number }): boolean {
  if (!digit.test(text[at + 1] ?? '')) return false;
  const before = text[at - 1] ?? '';
  if (mark === '-') return digit.test(before) || !wordCharacter.test(before);
  return digit.test(before) && '.,:/'.includes(mark);
}
