import { InvalidFilterError } from './invalid-filter-error.ts';
import { type FilterToken, tokenize } from './tokenize.ts';
import { keywords } from './vocabulary.ts';

/** `identifier comparator value`, not yet checked for what it means. */
export interface RawClause {
  readonly identifier: string;
  /** Upper case. */
  readonly comparator: string;
  /** Absent with IS NULL and IS NOT NULL. */
  readonly value?: FilterToken;
}

/**
 * Groups the tokens of a filter into clauses, as MLflow does: words AND between, before and after them are passed over, what
 * is left over makes the filter invalid.
 * @throws InvalidFilterError
 */
export function parseClauses(text: string): RawClause[] {
  const clauses: RawClause[] = [];
  const leftOver: string[] = [];
  for (const part of groupTokens(text)) {
    if (isClause(part)) clauses.push(part);
    else if (!isWord(part, 'AND')) leftOver.push(`'${part.text}'`);
  }
  if (leftOver.length > 0) throw new InvalidFilterError(`Invalid clause(s) in filter string: ${leftOver.join(', ')}`);
  return clauses;
}

/** The clauses of a filter, and between them the tokens that belong to none. */
export function groupTokens(text: string): readonly (RawClause | FilterToken)[] {
  const tokens = tokenize(text);
  if (tokens.length === 0) throw new InvalidFilterError(`Invalid filter ${quoted(text)}. Could not be parsed.`);
  refuseStatements(text, tokens);
  const parts: (RawClause | FilterToken)[] = [];
  for (let at = 0; at < tokens.length; ) {
    const found = readClause(tokens, at);
    parts.push(found?.clause ?? (tokens[at] as FilterToken));
    at += found?.length ?? 1;
  }
  return parts;
}

export function isClause(part: RawClause | FilterToken): part is RawClause {
  return 'identifier' in part;
}

function refuseStatements(text: string, tokens: readonly FilterToken[]): void {
  const end = tokens.findIndex(({ kind }) => kind === 'semicolon');
  if (end === -1 || end === tokens.length - 1) return;
  throw new InvalidFilterError(
    `Search filter contained multiple expression ${quoted(text)}. Provide AND-ed expression list.`,
  );
}

function readClause(tokens: readonly FilterToken[], at: number): { clause: RawClause; length: number } | undefined {
  const [first, ...rest] = tokens.slice(at, at + 4);
  if (first === undefined) return undefined;
  const operator = readComparator(rest);
  if (operator === undefined) return undefined;
  const { comparator, length } = operator;
  const value = rest[length];
  if (comparator.startsWith('IS')) {
    return isIdentifier(first) ? { clause: { identifier: first.text, comparator }, length: 1 + length } : undefined;
  }
  if (value === undefined || !canBeValue(value) || (comparator.endsWith('IN') && value.kind !== 'parens'))
    return undefined;
  if (!isIdentifier(first)) {
    refuseOperand(first);
    return undefined;
  }
  return { clause: { identifier: first.text, comparator, value }, length: 2 + length };
}

/** The comparator at the head of the tokens, in upper case, and how many of them it takes. */
function readComparator([first, second, third]: readonly FilterToken[]):
  | { comparator: string; length: number }
  | undefined {
  if (first === undefined) return undefined;
  if (first.kind === 'comparison') return { comparator: first.text, length: 1 };
  if (isWord(first, 'LIKE', 'ILIKE', 'RLIKE', 'REGEXP', 'IN'))
    return { comparator: first.text.toUpperCase(), length: 1 };
  if (isWord(first, 'NOT') && isWord(second, 'LIKE', 'ILIKE', 'RLIKE', 'IN')) {
    return { comparator: `NOT ${second?.text.toUpperCase()}`, length: 2 };
  }
  if (!isWord(first, 'IS')) return undefined;
  if (isWord(second, 'NULL')) return { comparator: 'IS NULL', length: 2 };
  return isWord(second, 'NOT') && isWord(third, 'NULL') ? { comparator: 'IS NOT NULL', length: 3 } : undefined;
}

function isWord(token: FilterToken | undefined, ...words: readonly string[]): boolean {
  return token?.kind === 'word' && words.includes(token.text.toUpperCase());
}

function isIdentifier(token: FilterToken): boolean {
  return token.kind === 'name' || (token.kind === 'word' && !isKeyword(token.text));
}

function canBeValue(token: FilterToken): boolean {
  if (token.kind === 'word') return !isKeyword(token.text);
  return (
    token.kind === 'string' ||
    token.kind === 'number' ||
    token.kind === 'name' ||
    token.kind === 'parens' ||
    token.kind === 'dashed'
  );
}

function isKeyword(word: string): boolean {
  return keywords.has(word.toUpperCase());
}

function refuseOperand({ kind, text }: FilterToken): void {
  if (kind === 'dashed') {
    const hint = 'Write a key that holds other characters than letters, digits, _ and . between backticks.';
    throw new InvalidFilterError(`Invalid comparison clause. Expected 'Identifier' found '${text}'. ${hint}`);
  }
  if (kind === 'string' || kind === 'number') {
    throw new InvalidFilterError(`Invalid comparison clause. Expected 'Identifier' found '${text}'`);
  }
}

/** As Python's repr() spells a string, for the texts that quote the whole filter. */
function quoted(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t');
  if (escaped.includes("'") && !escaped.includes('"')) return `"${escaped}"`;
  return `'${escaped.replaceAll("'", "\\'")}'`;
}
