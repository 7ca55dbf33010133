import type * as z from 'zod';
import { type DirectAnswer, type directCall, toDirectAnswer } from '../../shared/contracts/direct-call.ts';
import {
  type EvaluateTraceDeps,
  EvaluationBusyError,
  evaluateTrace,
} from '../../shared/domain/evaluating/evaluate-trace.ts';
import { lateTrials, tryTrace } from '../../shared/domain/evaluating/try-trace.ts';
import { settleInParallel, takingRoom, valuesOf } from '../../shared/domain/in-parallel.ts';
import { inlineVersion } from '../../shared/domain/scorer.ts';
import type { BatchLogger } from '../../shared/runtime/logger.ts';

export interface JudgeDirectlyDeps extends EvaluateTraceDeps {
  readonly sleep: (ms: number) => Promise<unknown>;
  readonly logger: BatchLogger;
}

interface Bounds {
  readonly tracesAtOnce: number;
  readonly storedBytesAtOnce: number;
}

type DirectCall = z.output<typeof directCall>;

/** With less left no model is asked: it would hardly answer. */
const leastToBeginMs = 1_000;
/** From the end of the time to the answer: what is broken off ends by itself. */
const endingMs = 500;

/** Judges what somebody waits for. What fails, or is busy, or has no turn before `until`, comes again by the queue of backfills. */
export async function judgeDirectly(
  { requests, until }: DirectCall,
  { tracesAtOnce, storedBytesAtOnce, deps }: Bounds & { readonly deps: JudgeDirectlyDeps },
): Promise<DirectAnswer> {
  const inRoom = takingRoom(storedBytesAtOnce);
  const task = async (request: DirectCall['requests'][number]) => {
    if (deps.now() < until) await evaluateTrace(request, { receives: 1, inRoom, deps });
  };
  for (const result of await settleInParallel(requests, { limit: tracesAtOnce, task }))
    if (result.status === 'rejected' && !(result.reason instanceof EvaluationBusyError))
      deps.logger.error('direct evaluation failed', { error: result.reason });
  return toDirectAnswer([]);
}

/** Judges for the answer alone. Everything is broken off at `until`: nobody could be told of it later. */
export async function tryDirectly(
  { requests, until, trial }: DirectCall,
  { tracesAtOnce, storedBytesAtOnce, deps }: Bounds & { readonly deps: JudgeDirectlyDeps },
): Promise<DirectAnswer> {
  const inRoom = takingRoom(storedBytesAtOnce);
  const time = { from: deps.now(), until, leastToBeginMs };
  const definitions = new Map(trial?.inline.map((one) => [one.name, one]));
  const trying: EvaluateTraceDeps = {
    ...deps,
    judging: (rules) => ({ ...deps.judging(rules), time }),
    scorers: {
      async definition(experimentId, name, version) {
        const inline = definitions.get(name);
        if (version !== inlineVersion || !inline) return deps.scorers.definition(experimentId, name, version);
        const { shownAs, serialized } = inline;
        return { experimentId, name: shownAs, version, scorerId: name, serialized, createdAt: time.from };
      },
    },
  };
  const isOver = deps.sleep(Math.max(0, until + endingMs - time.from));
  const task = async (request: DirectCall['requests'][number]) => {
    if (deps.now() >= until) return lateTrials(request);
    const late = isOver.then(() => lateTrials(request));
    return Promise.race([tryTrace(request, { until, inRoom, deps: trying }), late]);
  };
  return toDirectAnswer(valuesOf(await settleInParallel(requests, { limit: tracesAtOnce, task })).flat());
}
