import { settleInParallel, valuesOf } from './in-parallel.ts';
import { openWorkShards } from './open-work.ts';
import type { Clock, DueSessions, SessionEvaluationQueue } from './ports.ts';

export interface SweepSessionsDeps {
  readonly dueSessions: DueSessions;
  readonly evaluationQueue: SessionEvaluationQueue;
  readonly now: Clock;
}

/** So many a shard and minute: each is a write, and the sweep has a sixth of a CPU. The rest is found by the next one. */
const limit = 250;
const writesAtOnce = 16;
/** Whoever is asked to judge a session has done so by then, or it is asked again: longer than the queue hides a message. */
const graceMs = 15 * 60_000;

/** Requests the evaluation of every session that is due. Answers how many. */
export async function sweepSessions(deps: SweepSessionsDeps): Promise<number> {
  let requested = 0;
  for (let shard = 0; shard < openWorkShards; shard++) requested += await sweepShard(shard, deps);
  return requested;
}

async function sweepShard(shard: number, { dueSessions, evaluationQueue, now }: SweepSessionsDeps): Promise<number> {
  const at = now();
  const due = await dueSessions.listDue(shard, { now: at, limit });
  const task = (key: string) => dueSessions.postpone(key, { now: at, dueAt: at + graceMs });
  const results = await settleInParallel(due, { limit: writesAtOnce, task });
  const requests = results.flatMap((result) => (result.status === 'fulfilled' ? (result.value ?? []) : []));
  if (requests.length > 0) await evaluationQueue.requestSessions(requests);
  valuesOf(results);
  return requests.length;
}
