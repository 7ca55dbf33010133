import { type EvaluationOutcome, requestsOf } from './evaluation.ts';
import { settleInParallel, valuesOf } from './in-parallel.ts';
import { openWorkShards } from './open-work.ts';
import type { DueWork, EvaluationQueue, EvaluationStore, SessionEvaluationQueue, SettleQueue } from './ports.ts';
import { type SweepSessionsDeps, sweepSessions } from './sweep-sessions.ts';

export interface SweepDeps extends SweepSessionsDeps {
  readonly dueWork: DueWork;
  readonly settleQueue: SettleQueue;
  readonly evaluationQueue: EvaluationQueue & SessionEvaluationQueue;
  readonly outcomes: Pick<EvaluationStore, 'putOff'>;
}

export interface Swept {
  readonly settled: number;
  readonly evaluated: number;
  readonly sessions: number;
}

/** So many a shard and minute; the rest is found by the next sweep. */
const limit = 2_000;
/** An evaluation that was asked for again is not asked for once more before its message has had time to be worked off. */
const requestedMs = 15 * 60_000;
const writesAtOnce = 16;

const shards = Array.from({ length: openWorkShards }, (_, shard) => shard);

/**
 * Has every unfinished trace that is due looked at again, every held evaluation tried again, the latest held first, and every session that
 * is quiet judged. Answers how many.
 */
export async function sweep(deps: SweepDeps): Promise<Swept> {
  const options = { now: deps.now(), limit };
  const traces = (await Promise.all(shards.map((shard) => deps.dueWork.listTraces(shard, options)))).flat();
  if (traces.length > 0) await deps.settleQueue.settle(traces, { delaySeconds: 0 });
  const held = (await Promise.all(shards.map((shard) => deps.dueWork.listEvaluations(shard, options)))).flat();
  if (held.length > 0)
    await tryAgain(
      held.toSorted((a, b) => b.finishedAt - a.finishedAt),
      deps,
    );
  return { settled: traces.length, evaluated: held.length, sessions: await sweepSessions(deps) };
}

/**
 * Put off first, where it is still held, then asked for: what a sweep that dies between leaves behind is due again a little later, and
 * what was judged meanwhile stays judged.
 */
async function tryAgain(
  held: readonly EvaluationOutcome[],
  { evaluationQueue, outcomes, now }: SweepDeps,
): Promise<void> {
  const task = (outcome: EvaluationOutcome) => outcomes.putOff(outcome, now() + requestedMs);
  const isStillHeld = valuesOf(await settleInParallel(held, { limit: writesAtOnce, task }));
  await evaluationQueue.request(requestsOf(held.filter((_, i) => isStillHeld[i])));
}
