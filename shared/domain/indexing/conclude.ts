import { decideSampling, mayBeSelected, type ScorerDecision } from '../decide-sampling.ts';
import type { EvaluationRequest } from '../evaluation.ts';
import type { FilterSubject } from '../filter/subject.ts';
import type { Rules } from '../rules.ts';
import type { Completeness, Explicit, TraceDecision, TraceFacts, TraceInfo } from '../trace.ts';

/** How far a trace is, from its facts, what its client said, and the clock alone. */
export function decideCompleteness(
  trace: { facts: TraceFacts; lastArrivalAt: number; explicit?: Explicit },
  { rules, now }: { rules: Rules; now: number },
): { completeness: Completeness; dueAt?: number } {
  if (isWhole(trace)) return { completeness: 'complete' };
  const dueAt = trace.lastArrivalAt + rules.settings.idleCloseMinutes * 60_000;
  return now >= dueAt ? { completeness: 'incomplete' } : { completeness: 'open', dueAt };
}

/** A client that counted its spans has ended them: the trace is whole when so many are here. */
function isWhole({ facts, explicit }: { facts: TraceFacts; explicit?: Explicit }): boolean {
  return explicit?.spanCount === undefined ? facts.complete : facts.spanCount >= explicit.spanCount;
}

/**
 * The decision that can be made at arrival: a complete trace whose coordinate lies above every rate is selected by no one,
 * whatever the filters say. Undefined where it must wait until the trace has settled.
 */
export function decideAtArrival(
  trace: { traceId: string; completeness: Completeness },
  { rules, now }: { rules: Rules; now: number },
): TraceDecision | undefined {
  if (trace.completeness !== 'complete' || mayBeSelected(trace.traceId, rules)) return undefined;
  return { rulesVersion: rules.version, decidedAt: now, selected: [] };
}

/** The decision on a settled trace. */
export function decideSettled(subject: FilterSubject, { rules, now }: { rules: Rules; now: number }): TraceDecision {
  const decisions = decideSampling({ traceId: subject.traceId, rules, subject });
  return {
    rulesVersion: rules.version,
    decidedAt: now,
    selected: decisions.filter(isSelected).map(({ name }) => name),
  };
}

function isSelected(decision: ScorerDecision): boolean {
  return decision.kind === 'selected';
}

/**
 * The evaluation that a decided trace asks for, by the rules it was decided with; undefined where none was selected.
 * Asking again is harmless: run-scorers skips what it has done.
 */
export function evaluationRequest(info: TraceInfo, decidedBy: Rules): EvaluationRequest | undefined {
  const selected = new Set(info.decision?.selected);
  const scorers = decidedBy.scorers
    .filter(({ name }) => selected.has(name))
    .map(({ name, version, sampleRate }) => ({ name, version, sampleRate }));
  if (scorers.length === 0) return undefined;
  const { traceId, experimentId, revision } = info;
  return { traceId, experimentId, rulesVersion: decidedBy.version, revision, scorers };
}
