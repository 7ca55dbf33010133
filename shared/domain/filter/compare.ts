import { compileLinearRegex, InvalidPatternError } from '../linear-regex.ts';
import type { FilterClause } from './filter.ts';
import { InvalidFilterError } from './invalid-filter-error.ts';
import { compileLike } from './like.ts';

type Comparison = Pick<FilterClause, 'comparator' | 'value'>;

/** A test of a text that is there; what is absent matches no comparison, `!=` and `NOT IN` included. */
export function compareText({ comparator, value }: Comparison): (text: string) => boolean {
  if (typeof value === 'object' && value !== null) {
    const items = new Set(value);
    return comparator === 'NOT IN' ? (text) => !items.has(text) : (text) => items.has(text);
  }
  const wanted = String(value);
  switch (comparator) {
    case '=':
      return (text) => text === wanted;
    case '!=':
      return (text) => text !== wanted;
    case 'LIKE':
      return compileLike(wanted, { ignoreCase: false });
    case 'ILIKE':
      return compileLike(wanted, { ignoreCase: true });
    case 'RLIKE':
      return compilePattern(wanted);
    default:
      throw new InvalidFilterError(`Invalid comparator '${comparator}' for a text`);
  }
}

/** A test of a number that is there. */
export function compareNumber({ comparator, value }: Comparison): (actual: number) => boolean {
  const wanted = Number(value);
  switch (comparator) {
    case '=':
      return (actual) => actual === wanted;
    case '!=':
      return (actual) => actual !== wanted;
    case '>':
      return (actual) => actual > wanted;
    case '>=':
      return (actual) => actual >= wanted;
    case '<':
      return (actual) => actual < wanted;
    case '<=':
      return (actual) => actual <= wanted;
    default:
      throw new InvalidFilterError(`Invalid comparator '${comparator}' for a number`);
  }
}

function compilePattern(pattern: string): (text: string) => boolean {
  try {
    const regex = compileLinearRegex(pattern);
    return (text) => regex.test(text);
  } catch (error) {
    if (error instanceof InvalidPatternError)
      throw new InvalidFilterError(`Invalid regular expression for RLIKE: ${error.message}`);
    throw error;
  }
}
