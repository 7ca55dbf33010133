import { archivedRange } from '../backfilling/archived-part.ts';
import { type Backfill, isOver, isUnderWay, type Slice, type SliceDecision } from '../backfilling/backfill.ts';
import { existingBackfill, finishBackfill } from '../backfilling/change-backfill.ts';
import { requireFree } from '../backfilling/claims.ts';
import { asFound, namedSlices } from '../backfilling/cut-slices.ts';
import { type DecideDeps, decideTraces } from '../backfilling/decide-slice.ts';
import { type KeepDecisionDeps, keepDecision, toRequest } from '../backfilling/enqueue-slice.ts';
import type {
  BackfillExecutions,
  BackfillStore,
  ClaimStore,
  SliceFiles,
  SliceProgressStore,
} from '../backfilling/ports.ts';
import { type BackfillProgress, readProgress, totalCounts } from '../backfilling/progress.ts';
import { reconcileSlice } from '../backfilling/reconcile-slice.ts';
import { invalid, type ResolveDeps } from '../backfilling/request.ts';
import { idOf } from '../backfilling/start-backfill.ts';
import type { TraceIndex } from '../ports.ts';
import type { SearchDeps } from '../search/search-traces.ts';
import { findFew } from './find-few.ts';
import type { DirectJudging } from './ports.ts';
import { type AssessRequest, ofNamed, resolveRun } from './request.ts';
import { inOrder, type RunResult, readResults } from './run-results.ts';
import { tryOut } from './try-out.ts';

export interface AssessDeps extends ResolveDeps, DecideDeps, SearchDeps {
  readonly index: Pick<TraceIndex, 'getInfos' | 'readTrace'>;
  readonly backfills: BackfillStore & ClaimStore;
  readonly executions: BackfillExecutions;
  readonly sliceProgress: SliceProgressStore;
  readonly decisions: KeepDecisionDeps['decisions'];
  readonly files: SliceFiles;
  readonly direct: DirectJudging;
  /** Of the trace store. */
  readonly retentionDays: number;
  readonly newId: () => string;
}

/** What is known of a run when its request is answered. */
export interface Assessed {
  readonly run: Backfill;
  readonly progress: BackfillProgress;
  /** Absent while it goes on. */
  readonly results?: readonly RunResult[];
}

/** Traces that are tried at once, and the time that they have: an API of API Gateway answers within 30 s. */
const maxDirect = 50;
const directMs = 20_000;

/**
 * Runs scorers on traces now: directly where they are few, and otherwise, or where that takes too long, on the lane of backfills, where
 * it goes on by itself. Whoever repeats a request with its idempotency key is told of the first one's run. Throws ApiError.
 */
export async function assess(
  request: AssessRequest,
  { idempotencyKey, deps }: { idempotencyKey?: string | undefined; deps: AssessDeps },
): Promise<Assessed> {
  const { experimentId } = request;
  const until = deps.now() + directMs;
  const runId = idOf('run', { experimentId, idempotencyKey, newId: deps.newId });
  const known = await deps.backfills.get({ experimentId, backfillId: runId });
  if (known) return goOn(known, deps);
  const resolved = await resolveRun(request, { runId, deps });
  const traceIds = request.traceIds ? [...new Set(request.traceIds)] : await fewOf(resolved, deps);
  if (request.dryRun) return tryOut(resolved, { traceIds, maxDirect, until, deps });
  if (traceIds === undefined) return askForFound(resolved, deps);
  const run = await askForNamed(resolved, { traceIds, deps });
  if (run === undefined) return goOn(await existingBackfill(resolved, deps.backfills), deps);
  return traceIds.length <= maxDirect ? assessDirectly(run, { traceIds, until, deps }) : goOn(run, deps);
}

/** The traces of a search, if they are few; undefined also where it reaches back behind what the trace store finds. */
async function fewOf(resolved: Backfill, deps: AssessDeps): Promise<readonly string[] | undefined> {
  if (archivedRange(resolved, deps.retentionDays) === undefined) return findFew(resolved, { max: maxDirect, deps });
  if (!resolved.dryRun) return undefined;
  throw invalid(
    `a dry run judges what the trace store holds, which keeps traces for ${deps.retentionDays} days: search those, or without dry_run`,
  );
}

/** A run that is there already, or that is not tried directly. */
async function goOn(run: Backfill, deps: AssessDeps): Promise<Assessed> {
  // Whoever asked for it may have died before it was started; one that was started is left alone.
  if (isUnderWay(run)) await deps.executions.start(run);
  const { progress, slices } = await progressOf(run, deps);
  if (!isOver(run) || (run.plan?.slices ?? 0) > 1) return { run, progress };
  const decided = await Promise.all(slices.map((slice) => deps.decisions.get(run, slice)));
  const results = await Promise.all(decided.map((decision) => readResults(decision, { run, deps })));
  return { run, progress, results: results.flat() };
}

/** How far a run is, and its slices that were decided about. */
export async function progressOf(
  run: Backfill,
  { sliceProgress }: Pick<AssessDeps, 'sliceProgress'>,
): Promise<{ readonly progress: BackfillProgress; readonly slices: readonly number[] }> {
  const slices: number[] = [];
  const listed = async function* () {
    for await (const slice of sliceProgress.list(run.backfillId)) {
      slices.push(slice.sliceId);
      yield slice;
    }
  };
  const progress = await readProgress(run, listed());
  return { progress, slices };
}

/** A backfill of its range, which plans itself. */
async function askForFound(resolved: Backfill, deps: AssessDeps): Promise<Assessed> {
  const book = await deps.backfills.readClaims(resolved.experimentId);
  await requireFree(resolved, { book, backfills: deps.backfills });
  await deps.backfills.create(resolved);
  return goOn(await existingBackfill(resolved, deps.backfills), deps);
}

/** Planned already: its slices are what was named. Undefined where somebody has asked for the same meanwhile. */
async function askForNamed(
  resolved: Backfill,
  { traceIds, deps }: { traceIds: readonly string[]; deps: AssessDeps },
): Promise<Backfill | undefined> {
  const slices = namedSlices(traceIds);
  const slicesKey = await deps.files.put(resolved, slices);
  const run: Backfill = {
    ...ofNamed(resolved),
    state: 'running',
    plan: { slicesKey, slices: slices.length, traces: traceIds.length, predictions: [] },
  };
  return (await deps.backfills.create(run)) ? run : undefined;
}

/** What is not done in time, or is held for a moment, is left to the lane, which judges what is missing. */
async function assessDirectly(
  run: Backfill,
  { traceIds, until, deps }: { traceIds: readonly string[]; until: number; deps: AssessDeps },
): Promise<Assessed> {
  const [slice] = namedSlices(traceIds);
  const decision = slice && (await judgeSlice(slice, { run, traceIds, until, deps }));
  const { progress } = await progressOf(run, deps);
  if (totalCounts(progress.scorers).pending > 0) return goOn(run, deps);
  const finished = await finishBackfill(run, { counts: progress.scorers, deps });
  if (!isOver(finished)) return goOn(finished, deps);
  const results = decision ? await readResults(decision, { run: finished, deps }) : [];
  const { counts = progress.scorers } = finished;
  return { run: finished, progress: { ...progress, scorers: counts }, results: inOrder(results, traceIds) };
}

/** Answers what was decided about the slice, by whoever was first to. */
async function judgeSlice(
  { id: sliceId }: Slice,
  { run, traceIds, until, deps }: { run: Backfill; traceIds: readonly string[]; until: number; deps: AssessDeps },
): Promise<SliceDecision> {
  const keeping = { ...deps, progress: deps.sliceProgress };
  const decided = await decideTraces(asFound(traceIds), { backfill: run, deps });
  const { decision } = await keepDecision(decided, { sliceId, backfill: run, deps: keeping });
  const requests = decision.wanted.map((one) => toRequest(one, run));
  if (requests.length > 0) await deps.direct.judge(requests, { until });
  await reconcileSlice(sliceId, { backfill: run, deps: keeping });
  return decision;
}
