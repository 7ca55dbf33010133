import { openWorkShards } from './open-work.ts';
import type { DueWork, SettleQueue } from './ports.ts';
import { type SweepSessionsDeps, sweepSessions } from './sweep-sessions.ts';

export interface SweepDeps extends SweepSessionsDeps {
  readonly dueWork: DueWork;
  readonly settleQueue: SettleQueue;
}

/** So many a shard and minute; the rest is found by the next sweep. */
const limit = 2_000;

/** Has every unfinished trace that is due looked at again, and every session that is quiet judged. Answers how many. */
export async function sweep(deps: SweepDeps): Promise<{ settled: number; sessions: number }> {
  const { dueWork, settleQueue, now } = deps;
  const shards = Array.from({ length: openWorkShards }, (_, shard) => shard);
  const due = (await Promise.all(shards.map((shard) => dueWork.listTraces(shard, { now: now(), limit })))).flat();
  if (due.length > 0) await settleQueue.settle(due, { delaySeconds: 0 });
  return { settled: due.length, sessions: await sweepSessions(deps) };
}
