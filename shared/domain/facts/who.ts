import type { TraceFacts } from '../trace.ts';

/** Where MLflow's clients say the session and the user of a trace: in its metadata, and people in its tags as well. */
export const sessionKey = 'mlflow.trace.session';
export const userKey = 'mlflow.trace.user';

type Facts = Pick<TraceFacts, 'metadata' | 'tags' | 'sessionId' | 'userId'>;

/** The session that a trace belongs to, whichever way it was said: explicitly, by a span, by a tag. */
export function sessionOf({ metadata, sessionId, tags }: Facts): string | undefined {
  return own(metadata, sessionKey) ?? sessionId ?? own(tags, sessionKey);
}

/** The user whom a trace served, in the same way. */
export function userOf({ metadata, userId, tags }: Facts): string | undefined {
  return own(metadata, userKey) ?? userId ?? own(tags, userKey);
}

/** The value of a key of the record's own: a tag may be called `constructor`. */
export function own(record: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
