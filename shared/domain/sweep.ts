import { type EvaluationOutcome, requestsOf } from './evaluation.ts';
import { settleInParallel, valuesOf } from './in-parallel.ts';
import { openWorkShards } from './open-work.ts';
import type { DueWork, EvaluationQueue, EvaluationStore, SessionEvaluationQueue, SettleQueue } from './ports.ts';
import { type SweepSessionsDeps, sweepSessions } from './sweep-sessions.ts';

export interface SweepDeps extends SweepSessionsDeps {
  readonly dueWork: DueWork;
  readonly settleQueue: SettleQueue;
  readonly evaluationQueue: EvaluationQueue & SessionEvaluationQueue;
  /** What a backfill asked for does not stand in the way of live scoring. */
  readonly backfillQueue: EvaluationQueue;
  readonly outcomes: Pick<EvaluationStore, 'putOff'>;
}

export interface Swept {
  readonly settled: number;
  readonly evaluated: number;
  readonly sessions: number;
}

/** Of traces, a shard; the rest is found by the next sweep. */
const tracesAtOnce = 2_000;
/** Of held evaluations, a shard: put off and asked for before the next are looked at, so that a sweep that dies has left little behind. */
const evaluationsAtOnce = 250;
/** The sweep has 50 seconds, and a seventh of a CPU. */
const enoughMs = 30_000;
/** An evaluation that was asked for again is not asked for once more before its message has had time to be worked off. */
const requestedMs = 15 * 60_000;
const writesAtOnce = 16;

const shards = Array.from({ length: openWorkShards }, (_, shard) => shard);

/**
 * Has every unfinished trace that is due looked at again, every session that is quiet judged, and every held evaluation tried again, the
 * newest of those that a budget held back first. Answers how many.
 */
export async function sweep(deps: SweepDeps): Promise<Swept> {
  const startedAt = deps.now();
  const options = { now: startedAt, limit: tracesAtOnce };
  const traces = (await Promise.all(shards.map((shard) => deps.dueWork.listTraces(shard, options)))).flat();
  if (traces.length > 0) await deps.settleQueue.settle(traces, { delaySeconds: 0 });
  const sessions = await sweepSessions(deps);
  let evaluated = 0;
  for (let found = -1; found !== 0 && deps.now() - startedAt < enoughMs; evaluated += found)
    found = await sweepEvaluations(deps);
  return { settled: traces.length, evaluated, sessions };
}

/** Some of each shard; 0 where none is due. */
async function sweepEvaluations(deps: SweepDeps): Promise<number> {
  let found = 0;
  for (const shard of shards) {
    const held = await deps.dueWork.listEvaluations(shard, { now: deps.now(), limit: evaluationsAtOnce });
    if (held.length > 0) await tryAgain(held, deps);
    found += held.length;
  }
  return found;
}

/**
 * Put off first, where it is still held, then asked for: what a sweep that dies between leaves behind is due again a little later, and
 * what was judged meanwhile stays judged.
 */
async function tryAgain(
  held: readonly EvaluationOutcome[],
  { evaluationQueue, backfillQueue, outcomes, now }: SweepDeps,
): Promise<void> {
  const task = (outcome: EvaluationOutcome) => outcomes.putOff(outcome, now() + requestedMs);
  const isStillHeld = valuesOf(await settleInParallel(held, { limit: writesAtOnce, task }));
  const requests = requestsOf(held.filter((_, i) => isStillHeld[i]));
  await evaluationQueue.request(requests.filter(({ backfill }) => backfill === undefined));
  await backfillQueue.request(requests.filter(({ backfill }) => backfill !== undefined));
}
