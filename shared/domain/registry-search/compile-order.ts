import { InvalidFilterError } from '../filter/invalid-filter-error.ts';
import { type Field, resolve, type Vocabulary } from './vocabulary.ts';

/** One part of an order, for example `metrics.accuracy DESC`. */
export interface OrderTerm<Subject> {
  readonly entity: string;
  readonly key: string;
  readonly field: Field<Subject>;
  readonly isAscending: boolean;
}

const term = /^\s*((?:[^\s"'`]|"[^"]*"|'[^']*'|`[^`]*`)+)(?:\s+(\S+))?\s*$/;

/** @throws InvalidFilterError with MLflow's text */
export function parseOrder<Subject>(
  orderBy: readonly string[],
  vocabulary: Vocabulary<Subject>,
): readonly OrderTerm<Subject>[] {
  return orderBy.map((text) => {
    const [, identifier, direction = 'asc'] = term.exec(text) ?? [];
    if (identifier === undefined)
      throw new InvalidFilterError(`Invalid order_by clause '${text}'. Could not be parsed.`);
    const isAscending = direction.toLowerCase() === 'asc';
    if (!isAscending && direction.toLowerCase() !== 'desc')
      throw new InvalidFilterError(`Invalid ordering key in order_by clause '${text}'.`);
    return { ...resolve(identifier, vocabulary), isAscending };
  });
}

/** What is absent comes last, whatever the direction, and NaN before it. */
export function compareBy<Subject>(terms: readonly OrderTerm<Subject>[]): (a: Subject, b: Subject) => number {
  return (a, b) => {
    for (const { field, isAscending } of terms) {
      const order = compareValues(field.read(a), field.read(b), isAscending ? 1 : -1);
      if (order !== 0) return order;
    }
    return 0;
  };
}

type Value = string | number | undefined;

function compareValues(a: Value, b: Value, direction: 1 | -1): number {
  const [absentA, absentB] = [absence(a), absence(b)];
  if (absentA !== absentB || absentA > 0) return absentA - absentB;
  if (a === b) return 0;
  return (a as string) < (b as string) ? -direction : direction;
}

function absence(value: Value): number {
  if (value === undefined) return 2;
  return Number.isNaN(value) ? 1 : 0;
}
