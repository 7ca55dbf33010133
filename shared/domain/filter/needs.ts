import type { Filter } from './filter.ts';

/** Whether the filter can only be decided by reading the spans of a trace. */
export function needsSpans(filter: Filter): boolean {
  return filter.clauses.some(({ entity }) => entity === 'span');
}

/** Whether the filter can only be decided by reading the assessments of a trace. */
export function needsAssessments(filter: Filter): boolean {
  return filter.clauses.some(({ entity }) => entity === 'feedback' || entity === 'expectation' || entity === 'issue');
}
