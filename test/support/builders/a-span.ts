import { deriveSpanFacts } from '../../../shared/domain/facts/derive-span-facts.ts';
import type { ScorableSpan } from '../../../shared/domain/scorable-trace.ts';
import type { Span } from '../../../shared/domain/span.ts';

/** A root span of one second that says nothing, but for what the test is about. */
export function aSpan(given: Partial<Span> = {}): Span {
  return {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: '00f067aa0ba902b7',
    name: 'answer',
    kind: 1,
    startTimeUnixNano: 1_795_223_374_000_000_001n,
    endTimeUnixNano: 1_795_223_375_000_000_002n,
    attributes: {},
    events: [],
    links: [],
    status: { code: 'UNSET', message: '' },
    resource: { attributes: {} },
    scope: { name: '', version: '' },
    ...given,
  };
}

/** The span with the facts that are derived of it. */
export function aSpanWithFacts(given: Partial<Span> = {}): ScorableSpan {
  const span = aSpan(given);
  return { span, facts: deriveSpanFacts(span) };
}
