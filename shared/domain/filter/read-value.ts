import type { FilterEntity } from './filter.ts';
import { InvalidFilterError } from './invalid-filter-error.ts';
import type { RawClause } from './parse-clauses.ts';
import type { FilterToken } from './tokenize.ts';
import { listAttributes, numericAttributes, orderComparators } from './vocabulary.ts';

interface Target {
  readonly entity: FilterEntity;
  readonly key: string;
}

/**
 * Reads the value of a clause in the types that its entity takes.
 * @throws InvalidFilterError with MLflow's text
 */
export function readValue(
  { comparator, value }: RawClause,
  target: Target,
): string | number | readonly string[] | null {
  if (value === undefined) return null;
  switch (target.entity) {
    case 'attribute':
      return readAttributeValue(value, target.key);
    case 'feedback':
    case 'expectation':
      return readAssessmentValue(value, { entity: target.entity, comparator });
    case 'tag':
    case 'span':
      return value.kind === 'parens' ? readList(value.text) : readString(value, target.entity);
    default:
      return readString(value, target.entity);
  }
}

function readAttributeValue(value: FilterToken, key: string): string | number | readonly string[] {
  if (value.kind === 'parens') {
    if (!listAttributes.has(key)) {
      throw new InvalidFilterError(
        `Only attributes in ${setOf(listAttributes)} supports comparison with a list of quoted string values.`,
      );
    }
    return readList(value.text);
  }
  if (isNull(value)) {
    throw new InvalidFilterError(
      `Expected a quoted string value or a list of quoted string values for attributes. Got value ${value.text}`,
    );
  }
  if (value.kind !== 'number') return stripQuotes(value.text);
  if (!numericAttributes.has(key)) {
    throw new InvalidFilterError(
      `Only the '${setOf(numericAttributes)}' attributes support comparison with numeric values.`,
    );
  }
  return Number(value.text);
}

/** From MLflow 3.15 ordering takes a number. Equality with a number is Assay's own; MLflow wants it quoted. */
function readAssessmentValue(
  value: FilterToken,
  { entity, comparator }: { entity: FilterEntity; comparator: string },
): string | number {
  const isOrder = orderComparators.some((candidate) => candidate === comparator);
  if (isOrder && value.kind !== 'number') {
    throw new InvalidFilterError(
      `Expected a numeric value for ${entity} when using comparator '${comparator}'. Got value ${value.text}`,
    );
  }
  if (value.kind === 'number' && (isOrder || comparator === '=' || comparator === '!=')) return Number(value.text);
  return readString(value, entity);
}

function readString(value: FilterToken, entity: FilterEntity): string {
  if (value.kind === 'number' || value.kind === 'parens' || isNull(value)) {
    throw new InvalidFilterError(
      `Expected a quoted string value for ${entity} (e.g. 'my-value'). Got value ${value.text}`,
    );
  }
  return stripQuotes(value.text);
}

function isNull({ kind, text }: FilterToken): boolean {
  return kind === 'word' && text.toUpperCase() === 'NULL';
}

/** @throws InvalidFilterError where the text does not stand between quotes */
export function stripQuotes(text: string): string {
  const quote = text.charAt(0);
  if (text.length >= 2 && (quote === "'" || quote === '"') && text.endsWith(quote)) return text.slice(1, -1);
  throw new InvalidFilterError(
    `Parameter value is either not quoted or unidentified quote types used for string value ${text}. Use either single or double quotes.`,
  );
}

const item = /\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s,'"]+)\s*(,|$)/y;

/** `('a', "b")`; a comma may follow the last. */
function readList(parens: string): readonly string[] {
  const inner = parens.slice(1, -1).trim();
  const items: string[] = [];
  for (let at = 0; at < inner.length; at = item.lastIndex) {
    item.lastIndex = at;
    const found = item.exec(inner)?.[1];
    if (found === undefined) throw illFormedList('ill-formed list.');
    if (!/^['"]/.test(found)) {
      throw new InvalidFilterError(
        `While parsing a list in the query, expected string value, punctuation, or whitespace, but got different type in list: ${parens}`,
      );
    }
    items.push(found.slice(1, -1));
  }
  if (items.length === 0) throw illFormedList('empty list');
  return items;
}

function illFormedList(what: string): InvalidFilterError {
  return new InvalidFilterError(
    `While parsing a list in the query, expected a non-empty list of string values, but got ${what}`,
  );
}

function setOf(items: Iterable<string>): string {
  return `{${[...items].map((name) => `'${name}'`).join(', ')}}`;
}
