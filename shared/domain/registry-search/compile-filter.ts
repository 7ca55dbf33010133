import { compareNumber, compareText } from '../filter/compare.ts';
import type { Comparator } from '../filter/filter.ts';
import { InvalidFilterError } from '../filter/invalid-filter-error.ts';
import { parseClauses, type RawClause } from '../filter/parse-clauses.ts';
import { numberComparators, resolve, type Target, type Vocabulary } from './vocabulary.ts';

type Test<Subject> = (subject: Subject) => boolean;

/**
 * MLflow's filter on experiments and runs: comparisons joined by AND. What is absent matches nothing but IS NULL.
 * @throws InvalidFilterError with MLflow's text
 */
export function compileFilter<Subject>(
  text: string | null | undefined,
  vocabulary: Vocabulary<Subject>,
): Test<Subject> {
  if (text === null || text === undefined || text.trim() === '') return () => true;
  const tests = parseClauses(text).map((clause) => compileClause(clause, vocabulary));
  return (subject) => tests.every((test) => test(subject));
}

function compileClause<Subject>(clause: RawClause, vocabulary: Vocabulary<Subject>): Test<Subject> {
  const target = resolve(clause.identifier, vocabulary);
  const { field } = target;
  if (field.type === 'number') {
    const comparator = checkComparator(clause, { target, allowed: numberComparators });
    const test = compareNumber({ comparator, value: readNumber(clause, target) });
    return (subject) => holds(field.read(subject), test);
  }
  const comparator = checkComparator(clause, { target, allowed: field.comparators });
  if (comparator === 'IS NULL') return (subject) => field.read(subject) === undefined;
  if (comparator === 'IS NOT NULL') return (subject) => field.read(subject) !== undefined;
  const test = compareText({ comparator, value: readText(clause, target) });
  return (subject) => holds(field.read(subject), test);
}

function holds<Value>(value: Value | undefined, test: (value: Value) => boolean): boolean {
  return value !== undefined && test(value);
}

function checkComparator<Subject>(
  { comparator }: RawClause,
  { target, allowed }: { target: Target<Subject>; allowed: readonly Comparator[] },
): Comparator {
  const found = allowed.find((candidate) => candidate === comparator);
  if (found) return found;
  if (comparator.endsWith(' NULL')) {
    throw new InvalidFilterError(
      `IS NULL / IS NOT NULL is only supported for tags and params, not for ${target.entity} '${target.key}'`,
    );
  }
  const list = allowed.map((name) => `'${name}'`).join(', ');
  throw new InvalidFilterError(`Invalid comparator '${comparator}' not one of '{${list}}'`);
}

function readNumber<Subject>({ value }: RawClause, { entity, key }: Target<Subject>): number {
  if (value?.kind === 'number') return Number(value.text);
  const what = entity === 'attribute' ? `numeric attribute: ${key}` : entity;
  throw new InvalidFilterError(`Expected numeric value type for ${what}. Found ${value?.text}`);
}

function readText<Subject>({ comparator, value }: RawClause, { entity }: Target<Subject>): string | readonly string[] {
  const text = value?.text ?? '';
  if (comparator.endsWith('IN')) return readList(text);
  if (value?.kind === 'number' || value?.kind === 'parens')
    throw new InvalidFilterError(`Expected a quoted string value for ${entity} (e.g. 'my-value'). Got value ${text}`);
  const quote = text.charAt(0);
  if (text.length >= 2 && (quote === "'" || quote === '"') && text.endsWith(quote)) return text.slice(1, -1);
  throw new InvalidFilterError(
    `Parameter value is either not quoted or unidentified quote types used for string value ${text}. Use either single or double quotes.`,
  );
}

const item = /\s*(?:'([^']*)'|"([^"]*)")\s*(?:,|$)/y;

/** `('a', "b")` */
function readList(parens: string): readonly string[] {
  const inner = parens.slice(1, -1).trim();
  const items: string[] = [];
  for (item.lastIndex = 0; item.lastIndex < inner.length; ) {
    const found = item.exec(inner);
    if (!found) break;
    items.push(found[1] ?? found[2] ?? '');
    if (item.lastIndex === inner.length) return items;
  }
  throw new InvalidFilterError(
    'While parsing a list in the query, expected a non-empty list of string values, but got ill-formed list.',
  );
}
