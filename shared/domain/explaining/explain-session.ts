import { evaluationRunOf } from '../decide-sampling.ts';
import { sessionOf } from '../facts/who.ts';
import type { TraceRecord } from '../ports.ts';
import type { ScorerRule } from '../rules.ts';
import { samplingCoordinate } from '../sampling.ts';
import type { SessionRecord } from '../session.ts';
import type { ScorerReason, SessionFate } from './explanation.ts';

/** Says of a scorer of sessions what became of the session that a trace belongs to. */
export function explainSession(
  rule: ScorerRule,
  { record: { info }, session }: { record: TraceRecord; session?: SessionRecord },
): ScorerReason {
  const runId = evaluationRunOf(info.facts);
  if (runId !== undefined) return { kind: 'evaluation-run', name: rule.name, runId };
  const sessionId = sessionOf(info.facts);
  if (!sessionId) return { kind: 'session-level' };
  const fate = session ? fateOf(rule, session) : fateWithoutItem(rule, sessionId);
  return { kind: 'session-level', session: { sessionId, ...fate } };
}

type Fate<F = SessionFate> = F extends unknown ? Omit<F, 'sessionId'> : never;

/** Nothing is kept of a session that no scorer may select, or of which no trace is whole. */
function fateWithoutItem({ name, sampleRate, paused }: ScorerRule, sessionId: string): Fate {
  if (sampleRate <= 0) return { kind: 'stopped', name };
  if (paused) return { kind: 'paused', name, reason: paused.reason };
  const u = samplingCoordinate(sessionId);
  return u < sampleRate ? { kind: 'waiting' } : { kind: 'not-sampled', name, u, rate: sampleRate };
}

function fateOf({ name }: ScorerRule, { dueAt, lastActivityAt, decision, outcomes }: SessionRecord): Fate {
  const decided = decision?.scorers.find((other) => other.name === name);
  const outcome = outcomes.find(
    (other) =>
      decided?.kind === 'selected' &&
      other.scorerName === name &&
      other.scorerVersion === decided.version &&
      other.conversation === decision?.conversation,
  );
  // Due, and not for being tried again: it has been active since.
  if (dueAt !== undefined && outcome?.lastActivityAt !== lastActivityAt) return { kind: 'waiting', dueAt };
  if (decided === undefined) return { kind: 'not-started' };
  if (decided.kind !== 'selected') return decided;
  if (outcome === undefined) return { kind: 'waiting' };
  const { state, finishedAt, traceId: firstTraceId, assessmentIds, reason } = outcome;
  return { kind: state, finishedAt, firstTraceId, assessmentIds, ...(reason !== undefined && { reason }) };
}
