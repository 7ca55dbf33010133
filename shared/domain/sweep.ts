import { openWorkShards } from './open-work.ts';
import type { Clock, DueWork, SettleQueue } from './ports.ts';

export interface SweepDeps {
  readonly dueWork: DueWork;
  readonly settleQueue: SettleQueue;
  readonly now: Clock;
}

/** So many a shard and minute; the rest is found by the next sweep. */
const limit = 2_000;

/** Has every unfinished trace that is due looked at again. Answers how many. */
export async function sweep({ dueWork, settleQueue, now }: SweepDeps): Promise<{ settled: number }> {
  const shards = Array.from({ length: openWorkShards }, (_, shard) => shard);
  const due = (await Promise.all(shards.map((shard) => dueWork.listTraces(shard, { now: now(), limit })))).flat();
  if (due.length > 0) await settleQueue.settle(due, { delaySeconds: 0 });
  return { settled: due.length };
}
