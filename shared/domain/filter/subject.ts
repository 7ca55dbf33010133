import type { Assessment } from '../assessment.ts';
import type { ScorableSpan } from '../scorable-trace.ts';
import type { TraceFacts } from '../trace.ts';

/** What a filter is asked about: one trace. Spans and assessments are called for only by filters that name them. */
export interface FilterSubject {
  readonly traceId: string;
  readonly experimentId: string;
  readonly facts: TraceFacts;
  spans(): Iterable<ScorableSpan>;
  /** Of the trace, and those of its session that hold for every trace in it. */
  assessments(): Iterable<Assessment>;
}
