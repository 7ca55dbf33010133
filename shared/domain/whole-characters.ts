/** A place to cut a text at: the one that is wanted, or the one before where that would halve a character of two units, such as an emoji. */
export function placeToCut(text: string, at: number): number {
  const isWithin = at > 0 && isHigh(text.charCodeAt(at - 1)) && isLow(text.charCodeAt(at));
  return isWithin ? at - 1 : at;
}

/** The beginning of a text, of whole characters. */
export function beginningOf(text: string, length: number): string {
  return text.slice(0, placeToCut(text, length));
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
