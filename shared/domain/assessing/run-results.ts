import type { Assessment } from '../assessment.ts';
import type { Backfill, BackfillScorer, SliceDecision, UnfitTrace } from '../backfilling/backfill.ts';
import type { SliceDecisions } from '../backfilling/ports.ts';
import { fateOf } from '../backfilling/reconcile-slice.ts';
import { isOfBackfill } from '../backfilling/unfinished.ts';
import { settleInParallel, valuesOf } from '../in-parallel.ts';
import { fromPageToken, toPageToken } from '../page-token.ts';
import type { Clock, TraceReader, TraceRecord } from '../ports.ts';
import { isInline } from '../scorer.ts';
import type { Trial } from './ports.ts';

/** What became of one evaluation that somebody wanted to know of. */
export interface RunResult extends Pick<Trial, 'traceId' | 'reason' | 'assessments' | 'usd' | 'tokens'> {
  readonly scorer: BackfillScorer;
  readonly state: Trial['state'] | 'deleted' | 'incomplete';
}

export interface ReadResultsDeps {
  readonly index: Pick<TraceReader, 'readTrace'>;
  readonly now: Clock;
}

/** Traces of a page of results. */
const pageSize = 100;
/** Slices that are read for one: of a search that finds little most are empty, and an answer has 30 s. */
const maxSlices = 200;
const readsAtOnce = 16;

const nothing = { assessments: [], usd: 0, tokens: 0 };

/** What has ended of the evaluations that were decided, as it is kept beside their traces. */
export async function readResults(
  { wanted, unfit = [] }: Pick<SliceDecision, 'wanted' | 'unfit'>,
  { run, deps }: { run: Backfill; deps: ReadResultsDeps },
): Promise<readonly RunResult[]> {
  const task = async ({ traceId, scorers }: SliceDecision['wanted'][number]) => {
    const record = await deps.index.readTrace(traceId);
    const asked = scorers.flatMap((i) => run.scorers[i] ?? []);
    if (record === undefined) return unfitResults({ traceId, fate: 'deleted' }, asked);
    return asked.flatMap((scorer) => resultOf(scorer, { record, run, now: deps.now() }) ?? []);
  };
  const read = valuesOf(await settleInParallel(wanted, { limit: readsAtOnce, task }));
  return [...read.flat(), ...unfit.flatMap((one) => unfitResults(one, run.scorers))];
}

const whyUnfit: Readonly<Record<UnfitTrace['fate'], string>> = {
  deleted: 'there is no such trace in the experiment, or none any more',
  incomplete: 'spans of the trace are still to come: ask again when it is complete',
};

export function unfitResults({ traceId, fate }: UnfitTrace, scorers: readonly BackfillScorer[]): readonly RunResult[] {
  return scorers.map((scorer) => ({ traceId, scorer, state: fate, reason: whyUnfit[fate], ...nothing }));
}

/** Undefined while it has not ended. */
function resultOf(
  scorer: BackfillScorer,
  { record, run, now }: { record: TraceRecord; run: Backfill; now: number },
): RunResult | undefined {
  const outcome = record.outcomes.find(
    ({ scorerName, scorerVersion }) => scorerName === scorer.name && scorerVersion === scorer.version,
  );
  if (outcome === undefined || !isOfBackfill(outcome, run)) return undefined;
  const { traceId } = record.info;
  const fate = fateOf({ outcome, wanted: { traceId } }, { deleted: new Set(), now, onDemand: run.onDemand });
  if (fate === 'pending' || fate === 'waiting') return undefined;
  const { reason, backfillId, spent } = outcome;
  return {
    traceId,
    scorer,
    state: fate,
    ...(reason !== undefined && { reason }),
    assessments: fate === 'held' ? [] : record.assessments.filter((one) => isBy(one, { scorer, run })),
    // What others have judged since cost this run nothing.
    usd: (backfillId === run.backfillId && spent?.usd) || 0,
    tokens: (backfillId === run.backfillId && spent?.tokens) || 0,
  };
}

function isBy(
  { scorer: by, metadata }: Assessment,
  { scorer, run }: { scorer: BackfillScorer; run: Backfill },
): boolean {
  if (!isInline(scorer)) return by?.name === scorer.name && by.version === scorer.version;
  return (
    by === undefined &&
    metadata['assay.backfillId'] === run.backfillId &&
    metadata['mlflow.assessment.scorerName'] === scorer.inline?.name
  );
}

/** A position in the results of a run: behind so many traces of a slice. */
interface Position {
  readonly slice: number;
  readonly behind: number;
}

/**
 * A page of the results of a run, slice by slice, of the slices that were decided about. Of one that has finished the pages hold
 * everything; before that what has ended so far.
 * @throws ApiError where the token is none
 */
export async function readResultPage(
  run: Backfill,
  {
    token,
    slices,
    deps,
  }: {
    token: string | undefined;
    /** Ids of those that were decided about. */
    slices: readonly number[];
    deps: ReadResultsDeps & { readonly decisions: Pick<SliceDecisions, 'get'> };
  },
): Promise<{ readonly results: readonly RunResult[]; readonly next?: string }> {
  const { slice: first, behind } = token === undefined ? { slice: 0, behind: 0 } : fromPageToken(token, readPosition);
  const left = slices.filter((id) => id >= first).toSorted((a, b) => a - b);
  const wanted: SliceDecision['wanted'][number][] = [];
  const unfit: UnfitTrace[] = [];
  let next: Position | undefined;
  for (const [place, slice] of left.entries()) {
    const room = pageSize - wanted.length - unfit.length;
    if (room === 0 || place === maxSlices) {
      next = { slice, behind: 0 };
      break;
    }
    const decision = await deps.decisions.get(run, slice);
    const from = slice === first ? behind : 0;
    const all = [...decision.wanted, ...(decision.unfit ?? [])];
    for (const one of all.slice(from, from + room)) 'fate' in one ? unfit.push(one) : wanted.push(one);
    if (all.length > from + room) {
      next = { slice, behind: from + room };
      break;
    }
  }
  const results = await readResults({ wanted, unfit }, { run, deps });
  return { results, ...(next && { next: toPageToken(`${next.slice}:${next.behind}`) }) };
}

function readPosition(text: string): Position | undefined {
  const [, slice, behind] = /^(\d{1,7}):(\d{1,7})$/.exec(text) ?? [];
  return slice === undefined ? undefined : { slice: Number(slice), behind: Number(behind) };
}

/** As the traces were named. */
export function inOrder(results: readonly RunResult[], traceIds: readonly string[]): readonly RunResult[] {
  const places = new Map(traceIds.map((traceId, place) => [traceId, place]));
  const placeOf = ({ traceId }: RunResult) => places.get(traceId) ?? 0;
  return results.toSorted((a, b) => placeOf(a) - placeOf(b));
}
