import { isRecord, type JsonRecord } from '../../json-value.ts';
import type { JsonValue } from '../../span.ts';

/**
 * The JSON object that a model answered with: bare, fenced, behind its thoughts, or among prose; line breaks and other control characters may
 * stand in its texts as they are. Of several objects in prose that differ none is taken: which one is the answer, and which one is quoted from
 * what was judged, is not ours to guess.
 */
export function readJsonObject(text: string, isAnswer: (object: JsonRecord) => boolean): JsonRecord | undefined {
  const answer = text.replace(/^\s*<think(?:ing)?>[\s\S]*?<\/think(?:ing)?>/i, '').trim();
  const whole = parseObject(unfenced(answer));
  if (whole) return whole;
  const found = objectsIn(answer).filter(isAnswer);
  const [first] = found;
  return first && found.every((object) => JSON.stringify(object) === JSON.stringify(first)) ? first : undefined;
}

/** Without the code fence around it, also one whose end sticks to the last line, or that never ends. */
function unfenced(text: string): string {
  return text
    .replace(/^```[\w-]*\s*/, '')
    .replace(/\s*```$/, '')
    .trim();
}

function parseObject(text: string): JsonRecord | undefined {
  for (const candidate of [text, escapeControls(text)]) {
    try {
      const value = JSON.parse(candidate) as JsonValue;
      return isRecord(value) ? value : undefined;
    } catch {
      // The next candidate, or none.
    }
  }
  return undefined;
}

/** Control characters within texts escaped, as JSON wants them. */
function escapeControls(text: string): string {
  let escaped = '';
  let inText = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i] as string;
    if (inText && character === '\\') {
      escaped += character + (text[++i] ?? '');
      continue;
    }
    if (character === '"') inText = !inText;
    escaped += inText && character < ' ' ? JSON.stringify(character).slice(1, -1) : character;
  }
  return escaped;
}

/** Answers are short; what is longer, or all braces, is not searched to its end. */
const longestSearched = 20_000;
const mostTried = 100;

/** The outermost objects in a text. */
function objectsIn(text: string): readonly JsonRecord[] {
  const objects: JsonRecord[] = [];
  const searched = text.slice(0, longestSearched);
  for (let start = searched.indexOf('{'), tried = 0; start !== -1 && tried < mostTried; tried++) {
    const end = endOfObject(searched, start);
    // An object that never ends may only be a brace in prose; nothing behind it can be told from its inside.
    if (end === -1) break;
    const object = parseObject(searched.slice(start, end));
    if (object) objects.push(object);
    start = searched.indexOf('{', object ? end : start + 1);
  }
  return objects;
}

function endOfObject(text: string, start: number): number {
  let depth = 0;
  let inText = false;
  for (let i = start; i < text.length; i++) {
    const character = text[i];
    if (inText) {
      if (character === '\\') i++;
      else if (character === '"') inText = false;
    } else if (character === '"') inText = true;
    else if (character === '{') depth++;
    else if (character === '}' && --depth === 0) return i + 1;
  }
  return -1;
}
