import { createHash } from 'node:crypto';
import { sessionOf } from '../facts/who.ts';
import { isOfConversation } from '../indexing/note-sessions.ts';
import type { TraceReader, TraceSearch } from '../ports.ts';
import type { SessionRef } from '../session.ts';
import type { TraceInfo } from '../trace.ts';

export interface FindConversationDeps {
  readonly search: TraceSearch;
  readonly index: Pick<TraceReader, 'getInfos'>;
}

/** What is judged of a session. */
export interface Conversation {
  /** In the order of time, at least one. */
  readonly infos: readonly [TraceInfo, ...TraceInfo[]];
  /** Whether there are traces between the first and the second one. */
  readonly isCut: boolean;
}

/** A session that never ends, because an application gives all its traces the same id, is judged by its first and its newest traces. */
const maxTraces = 1_000;
const pageSize = 200;

/** The traces of a session that are whole and that no evaluation run made; undefined where there is none. */
export async function findConversation(
  session: SessionRef,
  deps: FindConversationDeps,
): Promise<Conversation | undefined> {
  const newest = await findTraces(session, { ascending: false, limit: maxTraces, deps });
  const isCut = newest.length === maxTraces;
  const oldest = isCut ? await findTraces(session, { ascending: true, limit: 1, deps }) : [];
  const [first, ...others] = [...oldest, ...newest.toReversed().slice(oldest.length)];
  return first && { infos: [first, ...others], isCut };
}

async function findTraces(
  session: SessionRef,
  { ascending, limit, deps }: { ascending: boolean; limit: number; deps: FindConversationDeps },
): Promise<readonly TraceInfo[]> {
  const found: TraceInfo[] = [];
  let before: string | undefined;
  while (found.length < limit) {
    const page = await deps.search.find({
      experimentIds: [session.experimentId],
      within: { kind: 'session', id: session.sessionId },
      from: 0,
      to: Number.MAX_SAFE_INTEGER,
      limit: pageSize,
      ascending,
      before,
    });
    const infos = await deps.index.getInfos(page.map(({ traceId }) => traceId));
    const present = page.flatMap(({ traceId }) => infos.get(traceId) ?? []);
    found.push(...present.filter((info) => isOfConversation(info) && sessionOf(info.facts) === session.sessionId));
    before = page.at(-1)?.position;
    if (page.length < pageSize) break;
  }
  return found.slice(0, limit);
}

/**
 * Names a conversation by its traces. It is another one when the session has resumed, and, where late spans are to be judged, when a
 * trace has got more of them.
 */
export function conversationId(
  { infos }: Conversation,
  { rejudgeLateSpans }: { readonly rejudgeLateSpans: boolean },
): string {
  const hash = createHash('sha256');
  for (const { traceId, blocks } of infos) {
    hash.update(traceId).update('\0');
    if (rejudgeLateSpans) for (const block of blocks) hash.update(block.hash).update('\0');
  }
  return hash.digest('hex').slice(0, 32);
}
