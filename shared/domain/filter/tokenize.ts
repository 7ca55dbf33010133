/** `name` is an identifier with its dots and quotes; `parens` a balanced group, whole; `bad` is what no clause can hold. */
export interface FilterToken {
  readonly kind: 'name' | 'word' | 'string' | 'number' | 'comparison' | 'parens' | 'dashed' | 'semicolon' | 'bad';
  readonly text: string;
}

const quotes = new Set(["'", '"', '`']);
/** Whatever stands together; most of it is refused by name. */
const comparison = /[<>=~!]+/y;
const spaces = /\s/;
const nameStart = /[\p{L}_]/u;
const namePart = /[\p{L}\p{N}_$#]/u;
const number = /-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\p{L}\p{N}_])/uy;

/** Cuts a filter into tokens in one pass. Nothing is refused here: what cannot be understood becomes a `bad` token. */
export function tokenize(text: string): FilterToken[] {
  const tokens: FilterToken[] = [];
  let at = 0;
  while (at < text.length) {
    if (spaces.test(text.charAt(at))) {
      at += 1;
      continue;
    }
    const token = readToken(text, at);
    tokens.push(token);
    at += token.text.length;
  }
  return tokens;
}

function readToken(text: string, at: number): FilterToken {
  const first = text.charAt(at);
  if (first === ';') return { kind: 'semicolon', text: first };
  if (first === '(') return readParens(text, at);
  if (first === "'") return readString(text, at);
  if (nameStart.test(first) || first === '`' || first === '"') return readName(text, at);
  const digits = matchAt(number, { text, at });
  if (digits !== undefined) return { kind: 'number', text: digits };
  const signs = matchAt(comparison, { text, at });
  return signs === undefined ? { kind: 'bad', text: first } : { kind: 'comparison', text: signs };
}

function matchAt(regex: RegExp, { text, at }: { text: string; at: number }): string | undefined {
  regex.lastIndex = at;
  return regex.exec(text)?.[0];
}

/** `tags.a`, ``tags.`any key` ``, `"quoted"`; a lone word stays apart, for it may be a keyword. */
function readName(text: string, start: number): FilterToken {
  let at = start;
  let isPlain = true;
  let isDashed = false;
  for (;;) {
    const end = quotes.has(text.charAt(at)) ? closingQuote(text, at) : endOfWord(text, at);
    if (end === undefined) return unclosed(text, start);
    isPlain &&= !quotes.has(text.charAt(at));
    at = end;
    if (text.charAt(at) === '.') isPlain = false;
    else if (text.charAt(at) === '-' && namePart.test(text.charAt(at + 1))) isDashed = true;
    else break;
    at += 1;
  }
  const name = text.slice(start, at);
  if (isDashed) return { kind: 'dashed', text: name };
  return { kind: isPlain ? 'word' : 'name', text: name };
}

function endOfWord(text: string, start: number): number {
  let at = start;
  while (at < text.length && namePart.test(text.charAt(at))) at += 1;
  return at;
}

/**
 * Position after the closing quote. A doubled quote or one after a backslash does not close (and is not reduced, as in MLflow),
 * unless nothing else would: `'C:\\'`.
 */
function closingQuote(text: string, start: number): number | undefined {
  const quote = text.charAt(start);
  let escaped: number | undefined;
  for (let at = start + 1; at < text.length; at += 1) {
    if (text.charAt(at) === '\\' && text.charAt(at + 1) === quote && quote !== '`') escaped = at += 1;
    else if (text.charAt(at) === quote) {
      if (text.charAt(at + 1) !== quote || quote === '`') return at + 1;
      at += 1;
    }
  }
  return escaped === undefined ? undefined : escaped + 1;
}

function readString(text: string, at: number): FilterToken {
  const end = closingQuote(text, at);
  return end === undefined ? unclosed(text, at) : { kind: 'string', text: text.slice(at, end) };
}

/** The rest, whole: looking at it again from every position would take quadratic time. */
function unclosed(text: string, at: number): FilterToken {
  return { kind: 'bad', text: text.slice(at) };
}

function readParens(text: string, start: number): FilterToken {
  let depth = 0;
  let at = start;
  while (at < text.length) {
    const char = text.charAt(at);
    const end = quotes.has(char) ? closingQuote(text, at) : at + 1;
    if (end === undefined) break;
    if (char === '(') depth += 1;
    if (char === ')') depth -= 1;
    at = end;
    if (depth === 0) return { kind: 'parens', text: text.slice(start, at) };
  }
  return unclosed(text, start);
}
