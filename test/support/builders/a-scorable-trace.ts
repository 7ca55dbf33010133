import type { Assessment } from '../../../shared/domain/assessment.ts';
import type { FilterSubject } from '../../../shared/domain/filter/subject.ts';
import type { ScorableSpan, ScorableTrace } from '../../../shared/domain/scorable-trace.ts';
import type { Span } from '../../../shared/domain/span.ts';
import type { SpanFacts } from '../../../shared/domain/span-facts.ts';
import type { TraceFacts } from '../../../shared/domain/trace.ts';

const traceId = 'tr-0af7651916cd43dd8448eb211c80319c';

/** Facts of a finished trace without anything remarkable. */
function traceFacts(given: Partial<TraceFacts> = {}): TraceFacts {
  return {
    requestTime: Date.UTC(2026, 10, 21, 12),
    durationMs: 250,
    state: 'OK',
    tags: {},
    metadata: {},
    models: [],
    spanCount: 1,
    errorCount: 0,
    toolCallCount: 0,
    toolErrorCount: 0,
    complete: true,
    ...given,
  };
}

/** A span that ended well. */
export function aScorableSpan({
  span,
  facts,
}: {
  span?: Partial<Span>;
  facts?: Partial<SpanFacts>;
} = {}): ScorableSpan {
  return {
    span: {
      traceId: traceId.slice(3),
      spanId: '00f067aa0ba902b7',
      name: 'answer',
      kind: 1,
      startTimeUnixNano: 1_795_262_400_000_000_000n,
      endTimeUnixNano: 1_795_262_400_250_000_000n,
      attributes: {},
      events: [],
      links: [],
      status: { code: 'OK', message: '' },
      resource: { attributes: {} },
      scope: { name: 'test', version: '' },
      ...span,
    },
    facts: { type: 'UNKNOWN', ...facts },
  };
}

/** A span that calls a tool. */
export function aToolCall(name: string, { failed = false }: { failed?: boolean } = {}): ScorableSpan {
  return aScorableSpan({
    span: { name, status: { code: failed ? 'ERROR' : 'OK', message: '' } },
    facts: { type: 'TOOL', tool: { name, failed } },
  });
}

/** A trace as a scorer sees it; `facts` need only name what matters. */
export function aScorableTrace({
  facts,
  ...given
}: Partial<Omit<ScorableTrace, 'facts'>> & { facts?: Partial<TraceFacts> } = {}): ScorableTrace {
  return { traceId, experimentId: '0', facts: traceFacts(facts), spans: [aScorableSpan()], expectations: {}, ...given };
}

/** A trace as a filter sees it. */
export function aFilterSubject({
  facts,
  spans = [],
  assessments = [],
  ...given
}: {
  traceId?: string;
  facts?: Partial<TraceFacts>;
  spans?: readonly ScorableSpan[];
  assessments?: readonly Assessment[];
} = {}): FilterSubject {
  return {
    traceId,
    experimentId: '0',
    facts: traceFacts(facts),
    spans: () => spans,
    assessments: () => assessments,
    ...given,
  };
}

/** Feedback or an expectation on the trace. */
export function anAssessment(given: Partial<Assessment> & Pick<Assessment, 'name' | 'value'>): Assessment {
  return {
    assessmentId: 'a-00000000000000000000000000000000',
    traceId,
    experimentId: '0',
    source: { type: 'HUMAN', id: 'someone' },
    createdAt: 0,
    updatedAt: 0,
    kind: 'feedback',
    metadata: {},
    valid: true,
    ...given,
  };
}
