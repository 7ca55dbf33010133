import type { Session, SessionOutcome, SessionRecord, SessionRef } from '../domain/session.ts';
import { expiresAt, keyText, openWorkKey } from './trace-item.ts';

const formatVersion = 1;

export function sessionItemKey({ experimentId, sessionId }: SessionRef): string {
  return `session#${experimentId}#${keyText(sessionId)}`;
}

/** The attributes of a session's `info` item that its activity sets. */
export function sessionActivity(
  { experimentId, sessionId, lastActivityAt, dueAt }: Session & { readonly dueAt: number },
  { retentionDays }: { retentionDays: number },
): Readonly<Record<string, string | number>> {
  return {
    v: formatVersion,
    experimentId,
    sessionId,
    lastActivityAt,
    openWorkPk: openWorkKey('session', sessionItemKey({ experimentId, sessionId })),
    dueAt,
    expiresAt: expiresAt(lastActivityAt, retentionDays),
  };
}

export function fromSessionItem(item: Readonly<Record<string, unknown>>): Session {
  if (item.v !== formatVersion) throw new Error(`session item of format ${String(item.v)}, expected ${formatVersion}`);
  const { experimentId, sessionId, lastActivityAt, dueAt, decision } = item as unknown as Session;
  return {
    experimentId,
    sessionId,
    lastActivityAt,
    ...(dueAt !== undefined && { dueAt }),
    ...(decision !== undefined && { decision }),
  };
}

export function toSessionOutcomeItem(
  session: SessionRef,
  outcome: SessionOutcome,
  { retentionDays }: { retentionDays: number },
): Record<string, unknown> {
  return {
    pk: sessionItemKey(session),
    sk: `${outcomePrefix}${outcome.scorerName}#${outcome.scorerVersion}`,
    v: formatVersion,
    ...outcome,
    expiresAt: expiresAt(outcome.finishedAt, retentionDays),
  };
}

const outcomePrefix = 'evaluation#';

/** All items of one session. */
export function fromSessionItems(items: readonly Readonly<Record<string, unknown>>[]): SessionRecord | undefined {
  const info = items.find(({ sk }) => sk === 'info');
  if (info === undefined) return undefined;
  const outcomes = items.filter(({ sk }) => String(sk).startsWith(outcomePrefix)).map(fromOutcomeItem);
  return { ...fromSessionItem(info), outcomes };
}

function fromOutcomeItem(item: Readonly<Record<string, unknown>>): SessionOutcome {
  const { pk: _, sk: __, v: ___, expiresAt: ____, ...rest } = item;
  return rest as unknown as SessionOutcome;
}
