import type { Trial } from '../assessing/ports.ts';
import type { EvaluationRequest } from '../evaluation.ts';
import type { ConcludedEvaluation } from './conclude-evaluation.ts';
import { type EvaluateTraceDeps, type InRoom, loadTrace, storedBytes } from './evaluate-trace.ts';
import { judgingEvent } from './judging-event.ts';
import { openEvaluations } from './prepare-evaluations.ts';
import { runEvaluations } from './run-evaluations.ts';

/**
 * Runs scorers on a trace for what they find. Nothing is kept, so nothing that is kept matters: neither what was judged already nor who
 * is judging. A trace that is gone has no trials.
 */
export async function tryTrace(
  request: EvaluationRequest,
  { until, inRoom, deps }: { until: number; inRoom: InRoom; deps: EvaluateTraceDeps },
): Promise<readonly Trial[]> {
  const record = await deps.index.readTrace(request.traceId);
  if (record === undefined) return [];
  const rules = await deps.rules.current(request.experimentId);
  const evaluations = await openEvaluations(request, deps);
  const concluded = await inRoom(storedBytes(record), async () =>
    runEvaluations(evaluations, { request, receives: 1, rules, deps, trace: await loadTrace(record, deps) }),
  );
  const { experimentId, lastArrivalAt: readyAt } = record.info;
  for (const one of concluded) deps.metrics.note(judgingEvent(one, { experimentId, readyAt }));
  return concluded.map((one) => toTrial(one, deps.now() >= until));
}

const states = { done: 'judged', failed: 'failed', held: 'held', running: 'not-judged' } as const;

function toTrial({ outcome, assessments, spent }: ConcludedEvaluation, isLate: boolean): Trial {
  const { traceId, scorerName, scorerVersion, state, reason } = outcome;
  const about = { traceId, scorerName, scorerVersion, usd: spent.usd, tokens: spent.tokens };
  // At the end of the time whatever was under way was broken off.
  if (isLate && state !== 'done') return { ...about, ...notInTime };
  return { ...about, state: states[state], ...(reason !== undefined && { reason }), assessments };
}

const notInTime = {
  state: 'not-judged',
  reason: 'it was not done in time: ask for fewer traces, or without dry_run, which goes on until all is judged',
  assessments: [],
} as const;

/** Of a request that is not done when nobody waits any longer. */
export function lateTrials({ traceId, scorers }: EvaluationRequest): readonly Trial[] {
  return scorers.map(({ name, version }) => ({
    traceId,
    scorerName: name,
    scorerVersion: version,
    usd: 0,
    tokens: 0,
    ...notInTime,
  }));
}
