import { linkedPromptsTag } from '../linked-prompts.ts';
import type { Comparator, FilterClause, FilterEntity } from './filter.ts';
import { InvalidFilterError } from './invalid-filter-error.ts';
import type { RawClause } from './parse-clauses.ts';
import { readValue } from './read-value.ts';
import {
  assayNumericAttributes,
  assayStringAttributes,
  attributeAliases,
  contentComparators,
  entities,
  keyedComparators,
  listableComparators,
  mlflowNumericAttributes,
  mlflowStringAttributes,
  numericAttributes,
  numericComparators,
  orderComparators,
} from './vocabulary.ts';

/**
 * Gives a clause its meaning: entity and key with MLflow's aliases resolved, value read, comparator allowed.
 * @throws InvalidFilterError with MLflow's text (its sets in our order: Python prints them in none)
 */
export function checkClause(raw: RawClause): FilterClause {
  const { entity, key } = readIdentifier(raw.identifier);
  const value = readValue(raw, { entity, key });
  const meant = resolveKey(entity, key);
  const comparator = checkComparator(raw.comparator, meant);
  if (typeof value === 'object' && value !== null && !comparator.endsWith('IN'))
    throw new InvalidFilterError(`Invalid comparison clause. Expected value token found '${raw.value?.text}'`);
  return { ...meant, comparator, value: readNumber(value, { raw, meant }), text: describe(raw) };
}

/** MLflow tolerates a number between quotes; other text it compares with numbers somehow, which helps nobody. */
function readNumber(
  value: FilterClause['value'],
  { raw, meant }: { raw: RawClause; meant: Target },
): FilterClause['value'] {
  if (typeof value !== 'string' || meant.entity !== 'attribute' || !numericAttributes.has(meant.key)) return value;
  const number = value.trim() === '' ? Number.NaN : Number(value);
  if (Number.isNaN(number))
    throw new InvalidFilterError(`Expected a numeric value for attribute. Got value ${raw.value?.text}`);
  return number;
}

interface Target {
  readonly entity: FilterEntity;
  readonly key: string;
}

function readIdentifier(identifier: string): Target {
  const dot = identifier.indexOf('.');
  if (dot === -1) return { entity: 'attribute', key: checkAttribute(unquoted(identifier), { isBare: true }) };
  const prefix = unticked(identifier.slice(0, dot));
  const entity = Object.hasOwn(entities, prefix) ? entities[prefix] : undefined;
  if (entity === undefined)
    throw new InvalidFilterError(`Invalid entity type '${prefix}'. Valid values are ${setOf(Object.keys(entities))}`);
  const key = unquoted(identifier.slice(dot + 1));
  return { entity, key: entity === 'attribute' ? checkAttribute(key, { isBare: false }) : key };
}

function checkAttribute(key: string, { isBare }: { isBare: boolean }): string {
  const own: readonly string[] = [...assayStringAttributes, ...assayNumericAttributes];
  const known: readonly string[] = [...mlflowNumericAttributes, ...mlflowStringAttributes];
  if (known.includes(key) || (!isBare && own.includes(key))) return key;
  const valid = [...known, ...own.map((name) => `trace.${name}`)];
  throw new InvalidFilterError(`Invalid attribute key '${key}' specified. Valid keys are '${setOf(valid)}'`);
}

/** Where MLflow finds what a key names: the trace's name is a tag, its source run metadata, its text the content of its spans. */
function resolveKey(entity: FilterEntity, key: string): Target {
  if (entity === 'span')
    return { entity, key: key.startsWith('attributes.') ? `attributes.${unquoted(key.slice(11))}` : key };
  if (entity !== 'attribute') return { entity, key };
  if (key === 'name') return { entity: 'tag', key: 'mlflow.traceName' };
  if (key === 'prompt') return { entity: 'tag', key: linkedPromptsTag };
  if (key === 'run_id') return { entity: 'request_metadata', key: 'mlflow.sourceRun' };
  if (key === 'text') return { entity: 'span', key: 'content' };
  return { entity, key: attributeAliases[key] ?? key };
}

function checkComparator(comparator: string, { entity, key }: Target): Comparator {
  const allowed = allowedComparators({ entity, key });
  const found = allowed.find((candidate) => candidate === comparator);
  if (found !== undefined) return found;
  throw new InvalidFilterError(refusal(comparator, { entity, key, allowed }));
}

function allowedComparators({ entity, key }: Target): readonly Comparator[] {
  switch (entity) {
    case 'attribute':
      return numericAttributes.has(key) ? numericComparators : listableComparators;
    case 'tag':
      return key === linkedPromptsTag ? ['='] : keyedComparators;
    case 'request_metadata':
      return keyedComparators;
    case 'span':
      return spanComparators(key);
    case 'feedback':
    case 'expectation':
      return [...keyedComparators, ...orderComparators];
    case 'issue':
      if (key !== 'id') throw new InvalidFilterError(`Invalid issue attribute '${key}'. Supported attributes: id`);
      return ['='];
  }
}

function spanComparators(key: string): readonly Comparator[] {
  if (key === 'attributes.') throw new InvalidFilterError("Span attribute name cannot be empty after 'attributes.'");
  if (key === 'content') return contentComparators;
  if (key === 'name' || key === 'type' || key === 'status' || key.startsWith('attributes.')) return listableComparators;
  throw new InvalidFilterError(
    `Invalid span attribute '${key}'. Supported attributes: name, status, type, attributes.<attribute_name>.`,
  );
}

function refusal(comparator: string, { entity, key, allowed }: Target & { allowed: readonly string[] }): string {
  if (entity === 'tag' && key === linkedPromptsTag) {
    if (!keyedComparators.some((known) => known === comparator))
      return `Invalid comparator '${comparator}' not one of '${setOf(keyedComparators)}'`;
    return `Invalid comparator '${comparator}' for prompts filter. Only '=' is supported with format: prompt = "name/version"`;
  }
  if (entity === 'span' || entity === 'issue')
    return `${entity}.${key} comparator '${comparator}' not one of '${setOf(allowed)}'`;
  if (entity === 'feedback' || entity === 'expectation') {
    return `assessment.${key} comparator '${comparator}' not one of '${setOf(allowed)}'`;
  }
  return `Invalid comparator '${comparator}' not one of '${setOf(allowed)}'`;
}

function unticked(text: string): string {
  return text.length >= 2 && text.startsWith('`') && text.endsWith('`') ? text.slice(1, -1) : text;
}

function unquoted(text: string): string {
  const quote = text.charAt(0);
  const isQuoted = text.length >= 2 && (quote === '"' || quote === "'") && text.endsWith(quote);
  return isQuoted ? text.slice(1, -1) : unticked(text);
}

function setOf(items: readonly string[]): string {
  return `{${items.map((item) => `'${item}'`).join(', ')}}`;
}

function describe({ identifier, comparator, value }: RawClause): string {
  return value === undefined ? `${identifier} ${comparator}` : `${identifier} ${comparator} ${value.text}`;
}
