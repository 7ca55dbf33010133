import { inlineDefinition } from '../backfilling/inline-scorers.ts';
import { type EvaluateTraceDeps, EvaluationBusyError, evaluateTrace } from '../evaluating/evaluate-trace.ts';
import { lateTrials, tryTrace } from '../evaluating/try-trace.ts';
import type { EvaluationRequest } from '../evaluation.ts';
import { settleInParallel, takingRoom, valuesOf } from '../in-parallel.ts';
import { inlineVersion } from '../scorer.ts';
import type { NamedDefinition, Trial } from './ports.ts';

export interface JudgeDirectlyDeps extends EvaluateTraceDeps {
  readonly sleep: (ms: number) => Promise<unknown>;
}

interface Bounds {
  /** When nobody waits any longer, epoch ms. */
  readonly until: number;
  readonly tracesAtOnce: number;
  readonly storedBytesAtOnce: number;
}

/** With less left no model is asked: it would hardly answer. */
const leastToBeginMs = 1_000;
/** From the end of the time to the answer: what is broken off ends by itself. */
const endingMs = 500;

/**
 * Judges what somebody waits for, and answers what went wrong. What fails, or is busy, or has no turn before `until`, comes again by the
 * queue of backfills.
 */
export async function judgeDirectly(
  requests: readonly EvaluationRequest[],
  { until, tracesAtOnce, storedBytesAtOnce, deps }: Bounds & { readonly deps: EvaluateTraceDeps },
): Promise<readonly unknown[]> {
  const inRoom = takingRoom(storedBytesAtOnce);
  const task = async (request: EvaluationRequest) => {
    if (deps.now() < until) await evaluateTrace(request, { receives: 1, inRoom, deps });
  };
  const results = await settleInParallel(requests, { limit: tracesAtOnce, task });
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  return failures.filter((failure) => !(failure instanceof EvaluationBusyError));
}

/** Judges for the answer alone. Everything is broken off at `until`: nobody could be told of it later. */
export async function tryDirectly(
  requests: readonly EvaluationRequest[],
  {
    inline,
    until,
    tracesAtOnce,
    storedBytesAtOnce,
    deps,
  }: Bounds & { readonly inline: readonly NamedDefinition[]; readonly deps: JudgeDirectlyDeps },
): Promise<readonly Trial[]> {
  const inRoom = takingRoom(storedBytesAtOnce);
  const time = { from: deps.now(), until, leastToBeginMs };
  const trying: EvaluateTraceDeps = {
    ...deps,
    judging: (rules) => ({ ...deps.judging(rules), time }),
    scorers: withNamed(deps.scorers, { inline, createdAt: time.from }),
  };
  const isOver = deps.sleep(Math.max(0, until + endingMs - time.from));
  const task = async (request: EvaluationRequest) => {
    if (deps.now() >= until) return lateTrials(request);
    const late = isOver.then(() => lateTrials(request));
    return Promise.race([tryTrace(request, { until, inRoom, deps: trying }), late]);
  };
  return valuesOf(await settleInParallel(requests, { limit: tracesAtOnce, task })).flat();
}

/** A trial has no run in which its scorers would lie: they come with it. */
function withNamed(
  registered: EvaluateTraceDeps['scorers'],
  { inline, createdAt }: { inline: readonly NamedDefinition[]; createdAt: number },
): EvaluateTraceDeps['scorers'] {
  const named = new Map(inline.map((one) => [one.name, one]));
  return {
    async definition(experimentId, name, version) {
      const found = version === inlineVersion ? named.get(name) : undefined;
      if (!found) return registered.definition(experimentId, name, version);
      const { shownAs, serialized } = found;
      return inlineDefinition({ name, version, inline: { name: shownAs, serialized } }, { experimentId, createdAt });
    },
  };
}
