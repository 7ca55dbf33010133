import type { Filter } from './filter.ts';
import { InvalidFilterError } from './invalid-filter-error.ts';

/**
 * Parses a filter string.
 * @throws InvalidFilterError with MLflow's text
 */
export function parseFilter(text: string): Filter {
  if (text.trim() === '') return { text, clauses: [], tests: [] };
  throw new InvalidFilterError(`Invalid clause(s) in filter string: '${text}'`);
}
