import type { DueSessions, SessionActivity, SessionStore } from '../../../shared/domain/ports.ts';
import type { Session, SessionOutcome, SessionRef } from '../../../shared/domain/session.ts';

interface Entry {
  session: Session;
  leasedUntil?: number;
  outcomes: Map<string, SessionOutcome>;
}

/** Sessions as a map, with the conditions of the real store. */
export class InMemorySessionStore implements SessionActivity, SessionStore {
  readonly entries = new Map<string, Entry>();
  /** How often activity was noted. */
  notes = 0;

  async note(session: Required<Pick<Session, 'dueAt'>> & Session) {
    this.notes++;
    const entry = this.entries.get(keyOf(session));
    if (entry && entry.session.lastActivityAt >= session.lastActivityAt) return;
    this.entries.set(keyOf(session), { outcomes: new Map(), ...entry, session: { ...entry?.session, ...session } });
  }

  async read(session: SessionRef) {
    const entry = this.entries.get(keyOf(session));
    return entry && { ...entry.session, outcomes: [...entry.outcomes.values()] };
  }

  async claim(request: Session, { decision, now, leasedUntil }: Parameters<SessionStore['claim']>[1]) {
    const entry = this.entries.get(keyOf(request));
    if (entry?.session.lastActivityAt !== request.lastActivityAt || (entry.leasedUntil ?? 0) > now) return false;
    entry.session = { ...entry.session, decision };
    entry.leasedUntil = leasedUntil;
    return true;
  }

  async putOutcomes(session: SessionRef, outcomes: readonly SessionOutcome[]) {
    const entry = this.entries.get(keyOf(session));
    for (const outcome of outcomes) entry?.outcomes.set(`${outcome.scorerName}#${outcome.scorerVersion}`, outcome);
  }

  async release(request: Session, { dueAt }: { dueAt?: number }) {
    const entry = this.entries.get(keyOf(request));
    if (!entry) return;
    delete entry.leasedUntil;
    if (entry.session.lastActivityAt !== request.lastActivityAt) return;
    const { dueAt: _, ...undue } = entry.session;
    entry.session = { ...undue, ...(dueAt !== undefined && { dueAt }) };
  }

  /** All sessions stand in the first shard. */
  readonly due: DueSessions = {
    listDue: async (shard, { now, limit }) =>
      [...this.entries]
        .flatMap(([key, { session }]) => (shard === 0 && (session.dueAt ?? Number.POSITIVE_INFINITY) <= now ? key : []))
        .slice(0, limit),
    postpone: async (key, { now, dueAt }) => {
      const entry = this.entries.get(key);
      if (!entry || (entry.session.dueAt ?? Number.POSITIVE_INFINITY) > now) return undefined;
      entry.session = { ...entry.session, dueAt };
      const { experimentId, sessionId, lastActivityAt } = entry.session;
      return { experimentId, sessionId, lastActivityAt };
    },
  };
}

function keyOf({ experimentId, sessionId }: SessionRef): string {
  return `${experimentId}/${sessionId}`;
}
