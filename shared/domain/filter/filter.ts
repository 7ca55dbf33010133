import type { FilterSubject } from './subject.ts';

export type Comparator =
  | '='
  | '!='
  | '>'
  | '>='
  | '<'
  | '<='
  | 'LIKE'
  | 'ILIKE'
  | 'RLIKE'
  | 'IN'
  | 'NOT IN'
  | 'IS NULL'
  | 'IS NOT NULL';

/** MLflow's entities, its aliases resolved (`trace` and bare keys are attributes, `metadata` is request_metadata). */
export type FilterEntity = 'attribute' | 'tag' | 'request_metadata' | 'span' | 'feedback' | 'expectation' | 'issue';

export interface FilterClause {
  readonly entity: FilterEntity;
  readonly key: string;
  readonly comparator: Comparator;
  /** Null with IS NULL and IS NOT NULL. */
  readonly value: string | number | readonly string[] | null;
  /** As it was written. */
  readonly text: string;
}

/** One condition, or all the conditions on spans, which one span must satisfy together. */
export interface FilterTest {
  readonly clause: string;
  readonly matches: (subject: FilterSubject) => boolean;
}

/** A parsed filter: true where all its clauses are. */
export interface Filter {
  readonly text: string;
  readonly clauses: readonly FilterClause[];
  /** Cheapest first. */
  readonly tests: readonly FilterTest[];
}
