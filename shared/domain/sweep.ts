import { openWorkShards } from './open-work.ts';
import type { Clock, SettleQueue, TraceIndex } from './ports.ts';

export interface SweepDeps {
  readonly index: Pick<TraceIndex, 'listDueTraces'>;
  readonly settleQueue: SettleQueue;
  readonly now: Clock;
}

/** So many a shard and minute; the rest is found by the next sweep. */
const limit = 2_000;

/** Has every unfinished trace that is due looked at again. Answers how many. */
export async function sweep({ index, settleQueue, now }: SweepDeps): Promise<{ settled: number }> {
  const shards = Array.from({ length: openWorkShards }, (_, shard) => shard);
  const due = (await Promise.all(shards.map((shard) => index.listDueTraces(shard, { now: now(), limit })))).flat();
  if (due.length > 0) await settleQueue.settle(due, { delaySeconds: 0 });
  return { settled: due.length };
}
