import type { ScorableSpan } from '../scorable-trace.ts';
import type { Cost, TokenUsage } from '../trace.ts';
import { addCosts, addTokens } from './span-usage.ts';

const callTypes: ReadonlySet<string> = new Set(['LLM', 'CHAT_MODEL', 'EMBEDDING', 'RERANKER']);

/** Tokens and cost of a trace, each call counted once. */
export function countedUsage(spans: readonly ScorableSpan[]): { tokens?: TokenUsage; cost?: Cost } {
  const counted = countedSpans(spans);
  const tokens = counted.flatMap(({ facts }) => facts.tokens ?? []);
  const costs = counted.flatMap(({ facts }) => facts.cost ?? []);
  return {
    ...(tokens.length > 0 && { tokens: tokens.reduce(addTokens) }),
    ...(costs.length > 0 && { cost: costs.reduce(addCosts) }),
  };
}

/**
 * The spans whose tokens and cost make those of the trace. Agents, chains and some wrappers repeat what the calls below them used:
 * a span below which others report tokens counts only if it is a model call itself whose figures are not the sum of theirs.
 */
export function countedSpans(spans: readonly ScorableSpan[]): readonly ScorableSpan[] {
  const reporting = spans.filter(({ facts }) => facts.tokens !== undefined || facts.cost !== undefined);
  const below = nearestReporting(spans, reporting);
  return reporting.filter((span) => isCounted(span, below.get(span.span.spanId) ?? []));
}

function isCounted({ facts }: ScorableSpan, nearest: readonly ScorableSpan[]): boolean {
  if (nearest.length === 0) return true;
  if (!callTypes.has(facts.type)) return false;
  const sums = nearest
    .flatMap((span) => span.facts.tokens ?? [])
    .reduce(addTokens, { inputTokens: 0, outputTokens: 0, totalTokens: 0 });
  return sums.inputTokens !== facts.tokens?.inputTokens || sums.outputTokens !== facts.tokens.outputTokens;
}

/** For each reporting span the reporting spans below it that have no other reporting span between. */
function nearestReporting(
  spans: readonly ScorableSpan[],
  reporting: readonly ScorableSpan[],
): ReadonlyMap<string, readonly ScorableSpan[]> {
  const parents = new Map(spans.map(({ span }) => [span.spanId, span.parentSpanId]));
  const ids = new Set(reporting.map(({ span }) => span.spanId));
  const nearest = new Map<string, ScorableSpan[]>();
  for (const each of reporting) {
    const above = firstAbove(each.span.parentSpanId, { parents, ids });
    if (above === undefined) continue;
    const known = nearest.get(above);
    if (known) known.push(each);
    else nearest.set(above, [each]);
  }
  return nearest;
}

/** Spans can name each other as parents in a circle: every one is visited once. */
function firstAbove(
  spanId: string | undefined,
  { parents, ids }: { parents: ReadonlyMap<string, string | undefined>; ids: ReadonlySet<string> },
): string | undefined {
  const seen = new Set<string>();
  for (let id = spanId; id !== undefined && !seen.has(id); id = parents.get(id)) {
    if (ids.has(id)) return id;
    seen.add(id);
  }
  return undefined;
}
