/** An attribute value as DynamoDB's JSON protocol spells it. */
export type WireValue =
  | { S: string }
  | { N: string }
  | { B: string }
  | { BOOL: boolean }
  | { NULL: boolean }
  | { L: readonly WireValue[] }
  | { M: Readonly<Record<string, WireValue>> }
  | { SS: readonly string[] }
  | { NS: readonly string[] };

export type WireItem = Readonly<Record<string, WireValue>>;

/**
 * Bytes that DynamoDB counts for an item: names and values in UTF-8, numbers at a byte per two significant digits plus one,
 * lists and maps three bytes plus one for each member.
 * Source: DynamoDB developer guide, "DynamoDB item sizes and formats".
 */
export function itemSize(item: WireItem): number {
  return Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + valueSize(value), 0);
}

function valueSize(value: WireValue): number {
  if ('S' in value) return Buffer.byteLength(value.S);
  if ('N' in value) return numberSize(value.N);
  if ('B' in value) return Math.floor((value.B.length * 3) / 4);
  if ('SS' in value) return value.SS.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if ('NS' in value) return value.NS.reduce((sum, text) => sum + numberSize(text), 0);
  if ('L' in value) return value.L.reduce((sum, member) => sum + 1 + valueSize(member), 3);
  if ('M' in value) {
    return Object.entries(value.M).reduce(
      (sum, [name, member]) => sum + 1 + Buffer.byteLength(name) + valueSize(member),
      3,
    );
  }
  return 1;
}

function numberSize(text: string): number {
  const digits = text
    .replace(/[^0-9]/g, '')
    .replace(/^0+/, '')
    .replace(/0+$/, '');
  return Math.ceil(digits.length / 2) + 1 + (text.startsWith('-') ? 1 : 0);
}
