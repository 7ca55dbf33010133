/** Where a part of a LIKE pattern stands in a text, at or after a position; -1 where it does not. */
export type PartFinder = (text: string, from: number) => number;

/** Up to here comparing place by place takes so many steps a character at most, and usually one. */
const maxComparedLength = 64;
const wordBits = 32;

/** `_` in the part is any one character. Takes time linear in the text, and at worst 1/32 of the part's length a character. */
export function partFinder(part: string): PartFinder {
  if (part.length > maxComparedLength) return shiftAndFinder(part);
  if (!part.includes('_')) return (text, from) => text.indexOf(part, from);
  return (text, from) => {
    for (let at = from; at + part.length <= text.length; at += 1) if (fitsAt(part, { text, at })) return at;
    return -1;
  };
}

export function fitsAt(part: string, { text, at }: { text: string; at: number }): boolean {
  if (!part.includes('_')) return text.startsWith(part, at);
  for (let i = 0; i < part.length; i += 1) {
    if (part[i] !== '_' && part[i] !== text[at + i]) return false;
  }
  return true;
}

/**
 * Shift-And (Baeza-Yates and Gonnet, 1992): bit i of the state says that the part's first i + 1 characters end here. `indexOf` has
 * texts that take it part × text steps.
 */
function shiftAndFinder(part: string): PartFinder {
  const words = Math.ceil(part.length / wordBits);
  const lastBit = 1 << ((part.length - 1) % wordBits);
  const { masks, others } = placesOf(part, words);
  return (text, from) => {
    const state = new Int32Array(words);
    for (let at = from; at < text.length; at += 1) {
      const places = masks.get(text.charCodeAt(at)) ?? others;
      let carry = 1;
      for (let word = 0; word < words; word += 1) {
        const before = state[word] as number;
        state[word] = ((before << 1) | carry) & (places[word] as number);
        carry = before >>> (wordBits - 1);
      }
      if (((state[words - 1] as number) & lastBit) !== 0) return at - part.length + 1;
    }
    return -1;
  };
}

/** For each character of the part the places where it may stand; `others` is for those that it does not name. */
function placesOf(part: string, words: number): { masks: ReadonlyMap<number, Int32Array>; others: Int32Array } {
  const bits = (isMeant: (char: string) => boolean) => {
    const mask = new Int32Array(words);
    for (let i = 0; i < part.length; i += 1) {
      if (isMeant(part.charAt(i)))
        mask[Math.floor(i / wordBits)] = (mask[Math.floor(i / wordBits)] ?? 0) | (1 << (i % wordBits));
    }
    return mask;
  };
  const named = new Set(part.replaceAll('_', '').split(''));
  const masks = [...named].map(
    (char) => [char.charCodeAt(0), bits((other) => other === char || other === '_')] as const,
  );
  return { masks: new Map(masks), others: bits((char) => char === '_') };
}
