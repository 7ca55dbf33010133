import type { Assessment } from '../assessment.ts';
import { withExplicit } from '../explicit-facts.ts';
import { jsonValue } from '../json-value.ts';
import type { ScorableSpan, ScorableTrace } from '../scorable-trace.ts';
import type { JsonValue } from '../span.ts';
import type { SpanText } from '../span-facts.ts';
import type { TraceInfo } from '../trace.ts';
import { byStart, deriveTraceFacts, rootOf, traceInputs, traceOutputs } from './derive-trace-facts.ts';

/** A trace as scorers see it; its facts are those of the spans given, and what was said of it. */
export function toScorableTrace({
  info,
  spans: unordered,
  assessments,
}: {
  info: Pick<TraceInfo, 'traceId' | 'experimentId' | 'facts' | 'explicit'>;
  spans: readonly ScorableSpan[];
  assessments: readonly Assessment[];
}): ScorableTrace {
  const spans = unordered.toSorted(byStart);
  const root = rootOf(spans);
  const [inputs, outputs] = [asJson(traceInputs(spans, root)), asJson(traceOutputs(spans, root))];
  return {
    traceId: info.traceId,
    experimentId: info.experimentId,
    facts: withExplicit(deriveTraceFacts(spans), info),
    spans,
    ...(inputs !== undefined && { inputs }),
    ...(outputs !== undefined && { outputs }),
    expectations: Object.fromEntries(
      assessments.filter(({ kind, valid }) => kind === 'expectation' && valid).map(({ name, value }) => [name, value]),
    ),
  };
}

function asJson(text: SpanText | undefined): JsonValue | undefined {
  return text && jsonValue(text.text);
}
