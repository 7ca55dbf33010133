import type { Attributes, AttributeValue } from '../span.ts';

/** JSON text of a decoded value: bigints as exact integers, bytes as base64. */
export function jsonText(value: AttributeValue): string {
  if (typeof value === 'bigint') return String(value);
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'));
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`;
  const members = Object.entries(value as Attributes).map(
    ([key, member]) => `${JSON.stringify(key)}:${jsonText(member)}`,
  );
  return `{${members.join(',')}}`;
}

/** A value as text: strings as they are, the rest as JSON. */
export function plainText(value: AttributeValue): string {
  return typeof value === 'string' ? value : jsonText(value);
}

/** The first of the attributes that is there as a non-empty text; MLflow's own client quotes some strings as JSON. */
export function firstString(attributes: Attributes, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = attributes[name];
    if (typeof value === 'string' && value !== '') return unquoted(value);
    if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  }
  return undefined;
}

/** The first of the attributes that is a number, or a text that is one. */
export function firstNumber(attributes: Attributes, names: readonly string[]): number | undefined {
  for (const name of names) {
    const value = attributes[name];
    if (typeof value === 'number') return value;
    if (typeof value === 'bigint' || (typeof value === 'string' && value !== '' && Number.isFinite(Number(value))))
      return Number(value);
  }
  return undefined;
}

/** `"AGENT"` with quotes as `AGENT`. */
export function unquoted(text: string): string {
  return text.length > 1 && text.startsWith('"') && text.endsWith('"') ? parsedString(text) : text;
}

function parsedString(text: string): string {
  const value = parseJson(text);
  return typeof value === 'string' ? value : text;
}

/** The value of a JSON text; undefined where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
