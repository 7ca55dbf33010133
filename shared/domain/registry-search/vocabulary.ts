import type { Comparator } from '../filter/filter.ts';
import { InvalidFilterError } from '../filter/invalid-filter-error.ts';

/** What a filter or an order can name of an experiment or a run. */
export type Field<Subject> = TextField<Subject> | NumberField<Subject>;

interface TextField<Subject> {
  readonly type: 'text';
  readonly read: (subject: Subject) => string | undefined;
  readonly comparators: readonly Comparator[];
}

interface NumberField<Subject> {
  readonly type: 'number';
  readonly read: (subject: Subject) => number | undefined;
}

export interface Vocabulary<Subject> {
  readonly attributes: Readonly<Record<string, Field<Subject>>>;
  /** Names that a user may give to what has keys of its own, such as `tags`. */
  readonly keyed: Readonly<Record<string, Keyed<Subject>>>;
}

interface Keyed<Subject> {
  /** As errors call it. */
  readonly entity: string;
  readonly fieldOf: (key: string) => Field<Subject>;
}

/** What an identifier means. */
export interface Target<Subject> {
  readonly entity: string;
  readonly key: string;
  readonly field: Field<Subject>;
}

const textComparators: readonly Comparator[] = ['=', '!=', 'LIKE', 'ILIKE'];
export const numberComparators: readonly Comparator[] = ['>', '>=', '!=', '=', '<', '<='];

export function textAttribute<Subject>(
  read: (subject: Subject) => string | undefined,
  more: readonly Comparator[] = [],
): TextField<Subject> {
  return { type: 'text', read, comparators: [...textComparators, ...more] };
}

export function numberAttribute<Subject>(read: (subject: Subject) => number | undefined): NumberField<Subject> {
  return { type: 'number', read };
}

export function keyedTexts<Subject>(
  entity: string,
  read: (subject: Subject) => Readonly<Record<string, string>>,
): Keyed<Subject> {
  const fieldOf = (key: string) =>
    textAttribute(
      (subject: Subject) => (Object.hasOwn(read(subject), key) ? read(subject)[key] : undefined),
      ['IS NULL', 'IS NOT NULL'],
    );
  return { entity, fieldOf };
}

const attributePrefixes = ['attribute', 'attributes', 'attr', 'run'];

/**
 * `name`, `attributes.name`, `tags.key`, ``metrics.`any key` ``.
 * @throws InvalidFilterError with MLflow's text
 */
export function resolve<Subject>(identifier: string, { attributes, keyed }: Vocabulary<Subject>): Target<Subject> {
  const dot = identifier.indexOf('.');
  const prefix = dot === -1 ? undefined : unquoted(identifier.slice(0, dot));
  const key = unquoted(identifier.slice(dot + 1));
  if (prefix !== undefined && Object.hasOwn(keyed, prefix)) {
    const { entity, fieldOf } = keyed[prefix] as Keyed<Subject>;
    return { entity, key, field: fieldOf(key) };
  }
  if (prefix !== undefined && !attributePrefixes.includes(prefix)) {
    const valid = ['attribute', ...Object.keys(keyed)];
    throw new InvalidFilterError(`Invalid entity type '${prefix}'. Valid entity types are ${valid.join(', ')}`);
  }
  const field = Object.hasOwn(attributes, key) ? attributes[key] : undefined;
  if (field) return { entity: 'attribute', key, field };
  const valid = Object.keys(attributes).join("', '");
  throw new InvalidFilterError(`Invalid attribute key '${key}' specified. Valid keys are '${valid}'`);
}

function unquoted(text: string): string {
  return text.length >= 2 && ['"', '`'].includes(text.charAt(0)) && text.endsWith(text.charAt(0))
    ? text.slice(1, -1)
    : text;
}
