import type { EvaluationRequest } from '../evaluation.ts';
import type { EvaluationQueue, FoundTrace } from '../ports.ts';
import { samplingCoordinate } from '../sampling.ts';
import {
  type Backfill,
  nothingDecided,
  nothingEnded,
  type Slice,
  type SliceDecision,
  type SliceProgress,
  type WantedEvaluation,
} from './backfill.ts';
import { readSlice } from './cut-slices.ts';
import { type DecideDeps, decideTraces, joinDecisions } from './decide-slice.ts';
import type { SliceDecisions, SliceProgressStore, TraceSlices } from './ports.ts';
import { readOutcomes, unfinishedOf } from './unfinished.ts';

export interface KeepDecisionDeps {
  readonly decisions: SliceDecisions;
  readonly progress: Pick<SliceProgressStore, 'get' | 'put'>;
}

export interface EnqueueSliceDeps extends DecideDeps, KeepDecisionDeps {
  readonly slices: Pick<TraceSlices, 'days' | 'read'>;
  readonly queue: EvaluationQueue;
}

/**
 * Asks for the evaluations of a slice. What they are is decided once and kept before anything is sent: whoever repeats a slice, after a
 * death or a pause, sends what of it has not ended, and its counts stay what they were. A message that is sent twice judges once.
 */
export async function enqueueSlice(
  slice: Slice,
  { backfill, deps }: { backfill: Backfill; deps: EnqueueSliceDeps },
): Promise<void> {
  const before = await deps.progress.get(backfill.backfillId, slice.id);
  if (before !== undefined && before.attempt >= backfill.attempt) return;
  const { decision, progress: known } = before
    ? { decision: await deps.decisions.get(backfill, slice.id), progress: before }
    : await keepDecision(await decide(slice, { backfill, deps }), { sliceId: slice.id, backfill, deps });
  const wanted = before
    ? unfinishedOf(await readOutcomes(decision.wanted, { backfill, evaluations: deps.evaluations }))
    : decision.wanted;
  await deps.queue.request(wanted.map((one) => toRequest(one, backfill)));
  // What was held before is asked for again: how it ends is to be counted anew.
  const counted = wanted.length > 0 ? { ...known, ended: backfill.scorers.map(() => nothingEnded) } : known;
  await deps.progress.put(backfill.backfillId, { ...counted, attempt: backfill.attempt });
}

/** Keeps what was decided about a slice, before anything is asked for: whoever was first has decided. */
export async function keepDecision(
  decided: SliceDecision,
  { sliceId, backfill, deps }: { sliceId: number; backfill: Backfill; deps: KeepDecisionDeps },
): Promise<{ readonly decision: SliceDecision; readonly progress: SliceProgress }> {
  const decision = await deps.decisions.put(backfill, sliceId, decided);
  const progress = { ...notStarted(backfill), sliceId, decided: decision.decided };
  await deps.progress.put(backfill.backfillId, progress);
  return { decision, progress };
}

function notStarted({ scorers }: Backfill) {
  return { attempt: 0, ended: scorers.map(() => nothingEnded), usd: 0, tokens: 0 };
}

async function decide(
  slice: Slice,
  { backfill, deps }: { backfill: Backfill; deps: EnqueueSliceDeps },
): Promise<SliceDecision> {
  let decision: SliceDecision = { decided: backfill.scorers.map(() => nothingDecided), wanted: [] };
  for await (const page of readSlice({ experimentId: backfill.experimentId, slice }, deps.slices))
    decision = joinDecisions(decision, await decideTraces(countedIn(slice, { page, backfill }), { backfill, deps }));
  return decision;
}

/** What the archive has counted already is not counted here, too. */
function countedIn(
  { sampledOnly }: Slice,
  { page, backfill }: { page: readonly FoundTrace[]; backfill: Backfill },
): readonly FoundTrace[] {
  if (!sampledOnly) return page;
  const highest = Math.max(...backfill.scorers.map(({ sampleRate }) => sampleRate));
  return page.filter(({ traceId }) => samplingCoordinate(traceId) < highest);
}

/** As it is asked for of whoever judges. */
export function toRequest({ traceId, revision, scorers }: WantedEvaluation, backfill: Backfill): EvaluationRequest {
  const { backfillId, experimentId, rulesVersion, mode, onDemand, createdAt } = backfill;
  return {
    traceId,
    experimentId,
    rulesVersion,
    revision,
    scorers: scorers
      .flatMap((i) => backfill.scorers[i] ?? [])
      .map(({ name, version, sampleRate }) => ({ name, version, ...(!onDemand && { sampleRate }) })),
    backfill: { id: backfillId, again: mode === 'all', ...(mode === 'all' && { since: createdAt }) },
  };
}
