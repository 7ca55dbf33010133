import { evaluationRunOf, maySessionBeSelected } from '../decide-sampling.ts';
import { sessionOf } from '../facts/who.ts';
import { settleInParallel, valuesOf } from '../in-parallel.ts';
import type { Clock, SessionActivity } from '../ports.ts';
import type { Rules } from '../rules.ts';
import type { SessionRef } from '../session.ts';
import type { TraceInfo } from '../trace.ts';

export interface NoteSessionsDeps {
  readonly sessions: SessionActivity;
  readonly now: Clock;
}

const writesAtOnce = 8;

/**
 * Notes that sessions of these traces were active, so that they are judged once they have been quiet; one write for each session that a
 * scorer may select. The time noted is that of the processing: a trace that comes late by the queue's fault is not overlooked. Noting
 * more than happened is harmless: whoever judges compares the traces.
 */
export async function noteSessions(
  infos: readonly TraceInfo[],
  rulesOf: (experimentId: string) => Rules,
  { sessions, now }: NoteSessionsDeps,
): Promise<void> {
  const active = new Map(
    infos.flatMap((info) => {
      const session = activeSession(info, rulesOf(info.experimentId));
      return session ? [[`${session.experimentId}/${session.sessionId}`, session] as const] : [];
    }),
  );
  const at = now();
  const task = (session: SessionRef) => {
    const idleMs = rulesOf(session.experimentId).settings.sessionIdleMinutes * 60_000;
    return sessions.note({ ...session, lastActivityAt: at, dueAt: at + idleMs });
  };
  valuesOf(await settleInParallel([...active.values()], { limit: writesAtOnce, task }));
}

/** The session in which the trace counts: it is whole, and no run judges it itself. */
function activeSession({ experimentId, completeness, facts }: TraceInfo, rules: Rules): SessionRef | undefined {
  const sessionId = sessionOf(facts);
  if (!sessionId || !maySessionBeSelected(sessionId, rules)) return undefined;
  return isOfConversation({ completeness, facts }) ? { experimentId, sessionId } : undefined;
}

/** Whether a trace is one of those that scorers of its session see. */
export function isOfConversation({ completeness, facts }: Pick<TraceInfo, 'completeness' | 'facts'>): boolean {
  return completeness !== 'open' && evaluationRunOf(facts) === undefined;
}
