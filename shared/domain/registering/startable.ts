import { parseFilter } from '../filter/parse-filter.ts';
import type { ScorerTraits } from '../scorer.ts';

/**
 * Why a scorer cannot be started on the traces of a filter; undefined where it can. MLflow starts no judge that needs expectations,
 * because traces of production rarely have any; where the filter asks for one, they do.
 */
export function whyNotStartable(
  { unsupported, needsExpectations }: ScorerTraits,
  filter: string | undefined,
): string | undefined {
  if (unsupported !== undefined) return unsupported;
  if (!needsExpectations || asksForExpectation(filter)) return undefined;
  return (
    'it requires expectations, which traces have only after people or tests gave them: start it with a filter that asks for one, ' +
    'such as expectation.expected_response IS NOT NULL'
  );
}

function asksForExpectation(filter: string | undefined): boolean {
  if (!filter) return false;
  return parseFilter(filter).clauses.some(
    ({ entity, comparator }) => entity === 'expectation' && comparator !== 'IS NULL',
  );
}
