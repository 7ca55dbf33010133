import type { ScorableSpan, ScorableTrace } from '../scorable-trace.ts';
import type { ToolCallSuccessDefinition } from './definition.ts';
import { cannotJudge, counted, excerpt, type Heuristic, measure, verdict } from './heuristic.ts';

/** Passes where every tool call succeeded, or the share of those that did. */
export function toolCallSuccess({ measure: measured }: ToolCallSuccessDefinition): Heuristic {
  return ({ spans }) => {
    const calls = spans.flatMap(({ facts }) => (facts.tool ? [facts.tool] : []));
    if (calls.length === 0) return cannotJudge('NO_TOOL_CALLS', 'the trace calls no tools');
    const failed = calls.filter((call) => call.failed).map(({ name }) => name);
    const rationale = explainCalls(calls.length, failed);
    return measured === 'share'
      ? measure((calls.length - failed.length) / calls.length, rationale)
      : verdict(failed.length === 0, rationale);
  };
}

function explainCalls(calls: number, failed: readonly string[]): string {
  if (failed.length === 0)
    return calls === 1 ? 'The only tool call succeeded.' : `All ${counted(calls, 'tool call')} succeeded.`;
  return `${failed.length} of ${counted(calls, 'tool call')} failed: ${named(failed)}.`;
}

const maxNamed = 5;

/** Each name once, with how often it is there where more than once: `search (2), book`. */
function named(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  const shown = [...counts]
    .slice(0, maxNamed)
    .map(([name, count]) => (count > 1 ? `${excerpt(name, 200)} (${count})` : excerpt(name, 200)));
  return counts.size > maxNamed ? `${shown.join(', ')} and ${counts.size - maxNamed} more` : shown.join(', ');
}

/** Passes where no span failed; names those that did. */
export function errorFree(): Heuristic {
  return (trace) => {
    const failed = trace.spans.filter(({ span }) => span.status.code === 'ERROR');
    if (failed.length > 0)
      return verdict(false, `${counted(failed.length, 'span')} ended with an error: ${explainSpans(failed)}.`);
    if (hasFailed(trace)) return verdict(false, 'The trace ended with an error.');
    return verdict(true, 'No span ended with an error.');
  };
}

function hasFailed({ facts }: ScorableTrace): boolean {
  return facts.state === 'ERROR' || facts.errorCount > 0;
}

function explainSpans(spans: readonly ScorableSpan[]): string {
  return named(
    spans.map(({ span }) =>
      span.status.message === '' ? span.name : `${excerpt(span.name)} ("${excerpt(span.status.message, 120)}")`,
    ),
  );
}
