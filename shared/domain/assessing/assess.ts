import { type Backfill, isOver, nothingDecided } from '../backfilling/backfill.ts';
import { changeBackfill, existingBackfill } from '../backfilling/change-backfill.ts';
import { requireFree } from '../backfilling/claims.ts';
import { namedSlices } from '../backfilling/cut-slices.ts';
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
import { type SearchDeps, searchTraces } from '../search/search-traces.ts';
import type { DirectJudging, NamedDefinition } from './ports.ts';
import { type AssessRequest, resolveRun } from './request.ts';
import { type RunResult, readResults, unfitResults } from './run-results.ts';

export interface AssessDeps extends ResolveDeps, DecideDeps, SearchDeps {
  readonly index: Pick<TraceIndex, 'getInfos' | 'readTrace'>;
  readonly backfills: BackfillStore & ClaimStore;
  readonly executions: BackfillExecutions;
  readonly sliceProgress: SliceProgressStore;
  readonly decisions: KeepDecisionDeps['decisions'];
  readonly files: SliceFiles;
  readonly direct: DirectJudging;
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
/** Pages of a search, of 2,000 traces each: what it has not found then is left to the lane. */
const maxPages = 5;

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
  const traceIds = request.traceIds ? [...new Set(request.traceIds)] : await findFew(resolved, deps);
  if (request.dryRun) return tryOut(resolved, { traceIds, until, deps });
  if (traceIds === undefined) return askForFound(resolved, deps);
  const run = await askForNamed(resolved, { traceIds, deps });
  if (run === undefined) return goOn(await existingBackfill(resolved, deps.backfills), deps);
  return traceIds.length <= maxDirect ? assessDirectly(run, { traceIds, until, deps }) : goOn(run, deps);
}

/** A run that is there already, or that is not tried directly. */
async function goOn(run: Backfill, deps: AssessDeps): Promise<Assessed> {
  // Whoever asked for it may have died before it was started; one that was started is left alone.
  if (run.state === 'planning' || run.state === 'running') await deps.executions.start(run);
  const { progress } = await progressOf(run, deps);
  const slices = isOver(run) && run.plan?.slices === 1 ? [0] : [];
  if (slices.length === 0) return { run, progress };
  const decision = await deps.decisions.get(run, 0);
  return { run, progress, results: await readResults(decision, { run, deps }) };
}

/** How far a run is, and its slices that were decided about. Slices expire; what a finished run has counted stays. */
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
  const summed = await readProgress(run, listed());
  const progress = run.counts ? { ...summed, scorers: run.counts } : summed;
  return { progress, slices };
}

/** The traces of a search, if they are few; undefined: there are more, or it takes long to know. */
async function findFew(
  { experimentId, from, to, scorers }: Backfill,
  deps: AssessDeps,
): Promise<readonly string[] | undefined> {
  const filter = [scorers[0]?.filter, `timestamp_ms >= ${from}`, `timestamp_ms <= ${to}`]
    .filter((clause) => clause !== undefined)
    .join(' AND ');
  const found: string[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < maxPages; page++) {
    const limit = maxDirect + 1 - found.length;
    const { infos, cursor: next } = await searchTraces({ experimentIds: [experimentId], filter, limit, cursor }, deps);
    found.push(...infos.map(({ traceId }) => traceId));
    if (found.length > maxDirect) return undefined;
    if (next === undefined) return found;
    cursor = next;
  }
  return undefined;
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
    ...resolved,
    // They were found already.
    scorers: resolved.scorers.map(({ filter: _, ...scorer }) => scorer),
    onDemand: 'named',
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
  if (slice) {
    const keeping = { ...deps, progress: deps.sliceProgress };
    const decided = await decideTraces(toFound(traceIds), { backfill: run, deps });
    const { decision } = await keepDecision(decided, { sliceId: slice.id, backfill: run, deps: keeping });
    const requests = decision.wanted.map((one) => toRequest(one, run));
    if (requests.length > 0) await deps.direct.judge(requests, { until });
    await reconcileSlice(slice.id, { backfill: run, deps: keeping });
  }
  const { progress } = await progressOf(run, deps);
  if (totalCounts(progress.scorers).pending > 0) return goOn(run, deps);
  const finished = await changeBackfill(run, {
    backfills: deps.backfills,
    // Cancelled or paused meanwhile it stays so.
    change: (current) =>
      current.state === 'running' && current.attempt === run.attempt
        ? { ...current, state: 'finished', stateAt: deps.now(), counts: progress.scorers }
        : current,
  });
  const answer = await goOn(finished, deps);
  return {
    ...answer,
    ...(answer.results && { results: inOrder(answer.results, traceIds) }),
    ...(!slice && { results: [] }),
  };
}

/** Only directly: what is not kept can be told to nobody later. */
async function tryOut(
  run: Backfill,
  { traceIds, until, deps }: { traceIds: readonly string[] | undefined; until: number; deps: AssessDeps },
): Promise<Assessed> {
  if (traceIds === undefined || traceIds.length > maxDirect) {
    const got = traceIds === undefined ? 'the search finds more' : `got ${traceIds.length}`;
    throw invalid(`a dry run judges at most ${maxDirect} traces, ${got}: ask for fewer, or without dry_run`);
  }
  const named = { ...run, scorers: run.scorers.map(({ filter: _, ...scorer }) => scorer), onDemand: 'named' as const };
  const { decided, wanted, unfit = [] } = await decideTraces(toFound(traceIds), { backfill: named, deps });
  const requests = wanted.map((one) => toRequest(one, named));
  const trials = requests.length > 0 ? await deps.direct.tryOut(requests, { until, inline: definitionsOf(named) }) : [];
  const results = [
    ...trials.flatMap(({ scorerName, scorerVersion, ...trial }) => {
      const scorer = named.scorers.find(({ name, version }) => name === scorerName && version === scorerVersion);
      return scorer ? [{ ...trial, scorer }] : [];
    }),
    ...unfit.flatMap((one) => unfitResults(one, named.scorers)),
  ];
  const sum = (of: (result: RunResult) => number) => results.reduce((total, result) => total + of(result), 0);
  const progress = {
    scorers: named.scorers.map((scorer, i) => countsOf(results, { scorer, decided: decided[i] ?? nothingDecided })),
    slicesEnqueued: 0,
    waiting: 0,
    usd: Number(sum(({ usd }) => usd).toFixed(9)),
    tokens: sum(({ tokens }) => tokens),
  };
  return { run: { ...named, state: 'finished' }, progress, results: inOrder(results, traceIds) };
}

function toFound(traceIds: readonly string[]) {
  return traceIds.map((traceId) => ({ traceId, position: '' }));
}

function definitionsOf({ scorers }: Backfill): readonly NamedDefinition[] {
  return scorers.flatMap(({ name, inline }) =>
    inline ? [{ name, shownAs: inline.name, serialized: inline.serialized }] : [],
  );
}

function countsOf(
  results: readonly RunResult[],
  { scorer, decided }: { scorer: Backfill['scorers'][number]; decided: typeof nothingDecided },
): BackfillProgress['scorers'][number] {
  const of = (state: RunResult['state']) =>
    results.filter((result) => result.scorer === scorer && result.state === state).length;
  const { enqueued, ...left } = decided;
  return {
    ...left,
    found: enqueued + decided.deleted + decided.incomplete,
    judged: of('judged'),
    failed: of('failed'),
    held: of('held'),
    cancelled: 0,
    pending: of('not-judged'),
  };
}

/** As the traces were named. */
function inOrder(results: readonly RunResult[], traceIds: readonly string[]): readonly RunResult[] {
  const places = new Map(traceIds.map((traceId, place) => [traceId, place]));
  const placeOf = ({ traceId }: RunResult) => places.get(traceId) ?? 0;
  return results.toSorted((a, b) => placeOf(a) - placeOf(b));
}
