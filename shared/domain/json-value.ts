import { parseJson } from './facts/attribute-text.ts';
import type { JsonValue } from './span.ts';

export type JsonRecord = { readonly [key: string]: JsonValue };

export function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

export function isRecord(value: JsonValue | undefined): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The text that is all an object holds, under whatever name: `{"question": "…"}` is the question, `{"answer": "…"}` the answer. */
export function onlyText(value: JsonValue): string | undefined {
  if (!isRecord(value)) return undefined;
  const [only, ...more] = Object.values(value);
  return typeof only === 'string' && more.length === 0 ? only : undefined;
}

/** Lists, maps and quoted texts as their value; other text stays text: an answer of `0042` is no number. */
export function jsonValue(text: string): JsonValue {
  const value = /^\s*[[{"]/.test(text) ? parseJson(text) : undefined;
  return value === undefined ? text : (value as JsonValue);
}

/**
 * A JSON text without the blanks between its tokens; texts that are no JSON as they are. Its numbers keep their digits, as they would not
 * if it was parsed.
 */
export function compactJson(text: string): string {
  if (!/^\s*[[{]/.test(text)) return text;
  let compact = '';
  let copied = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inString) {
      if (code === backslash) i++;
      else if (code === quote) inString = false;
    } else if (code === quote) inString = true;
    else if (code === 32 || code === 10 || code === 13 || code === 9) {
      compact += text.slice(copied, i);
      copied = i + 1;
    }
  }
  // What opens like JSON and ends within a string is none.
  return inString ? text : compact + text.slice(copied);
}

const quote = 34;
const backslash = 92;

/** As people write it: a text as it is, all else as JSON. */
export function textOf(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** JSON whose keys stand in their order: equal values have equal texts. */
export function canonicalJson(value: JsonValue): string {
  if (isList(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isRecord(value)) return JSON.stringify(value);
  const members = Object.keys(value)
    .toSorted()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key] as JsonValue)}`);
  return `{${members.join(',')}}`;
}
