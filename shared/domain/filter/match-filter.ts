import type { Filter } from './filter.ts';
import type { FilterSubject } from './subject.ts';

export type FilterOutcome = { readonly matched: true } | { readonly matched: false; readonly clause: string };

const matched: FilterOutcome = { matched: true };

/** Decides a filter for one trace; where it does not match, names the first clause that does not hold. */
export function matchFilter(filter: Filter, subject: FilterSubject): FilterOutcome {
  for (const test of filter.tests) {
    if (!test.matches(subject)) return { matched: false, clause: test.clause };
  }
  return matched;
}
