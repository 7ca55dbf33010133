import { publishedCoordinate } from './sampling.ts';
import { answerOf, type DemoScorer } from './scorers.ts';
import type { SentSpans } from './sent-spans.ts';

export interface Expectation {
  readonly scorer: DemoScorer;
  /** Traces that the filter is about. */
  readonly concerned: ReadonlySet<string>;
  /** Those of them whose coordinate lies below the rate. */
  readonly selected: ReadonlySet<string>;
  /** What it must find, by trace; empty where that is not foretold. A trace without an answer gets no score. */
  readonly verdicts: ReadonlyMap<string, string>;
}

export const noScore = 'no score';

/** Which traces each scorer must judge, from what was sent and the published sampling function alone; `backfilled`: in the end. */
export function expectJudgements(
  sent: SentSpans,
  { scorers, backfilled = false }: { scorers: readonly DemoScorer[]; backfilled?: boolean },
): readonly Expectation[] {
  return scorers.map((scorer) => {
    const concerned = [...sent.byTrace].filter(([, spans]) => scorer.concerns(spans.map(({ span }) => span)));
    const ids = concerned.map(([traceId]) => traceId);
    const { rate, backfillRate = rate } = scorer;
    const selected = ids.filter((traceId) => publishedCoordinate(traceId) < (backfilled ? backfillRate : rate));
    return {
      scorer,
      concerned: new Set(ids),
      selected: new Set(selected),
      verdicts: new Map(scorer.verdict && selected.map((traceId) => [traceId, verdictOn(traceId, { sent, scorer })])),
    };
  });
}

function verdictOn(traceId: string, { sent, scorer }: { sent: SentSpans; scorer: DemoScorer }): string {
  const answer = answerOf((sent.byTrace.get(traceId) ?? []).map(({ span }) => span));
  return answer === undefined ? noScore : String(scorer.verdict?.(answer));
}
