import {
  type EvaluationOutcome,
  type EvaluationRequest,
  isFinished,
  isLetGo,
  leaseMs,
  type SelectedScorer,
} from '../evaluation.ts';
import type { Judge } from '../judging/judge.ts';
import type { Clock, EvaluationStore, ScorerStore, TraceRecord } from '../ports.ts';
import { isStopped, type Rules } from '../rules.ts';
import type { Runnable, Scorer, ScorerVersion } from '../scorer.ts';
import { longestShortWaitMs } from './after-failure.ts';
import type { RateOf } from './known-rates.ts';

export interface PrepareDeps {
  readonly scorers: Pick<ScorerStore, 'definition'>;
  readonly createScorer: (version: ScorerVersion) => Runnable;
  readonly outcomes: Pick<EvaluationStore, 'lease'>;
  readonly now: Clock;
}

interface PrepareContext {
  readonly request: EvaluationRequest;
  readonly rules: Rules;
  readonly rateOf: RateOf;
  readonly deps: PrepareDeps;
}

/** A selected scorer that is to judge the trace. */
export interface Evaluation<Kind extends Runnable = Runnable> {
  readonly selected: SelectedScorer;
  readonly version: ScorerVersion;
  readonly scorer: Kind;
  readonly before: EvaluationOutcome | undefined;
}

export type JudgeEvaluation = Evaluation<{ readonly judge: Judge }>;
export type CodeEvaluation = Evaluation<Scorer | { readonly unsupported: string }>;

/** What was judged already, and who was to judge it, by which rate. */
export interface Unweighted {
  readonly selected: SelectedScorer;
  readonly before: EvaluationOutcome;
}

/** What of a request is to be done now. */
export interface Prepared {
  readonly code: readonly CodeEvaluation[];
  /** Ours until the lease ends. */
  readonly judges: readonly JudgeEvaluation[];
  /** Of what was held, and is not judged any more. */
  readonly stopped: readonly EvaluationOutcome[];
  /** Held on demand, and now waited for by who samples the trace: it is judged for them. */
  readonly takenOver: readonly { readonly before: EvaluationOutcome; readonly after: EvaluationOutcome }[];
  /** Judged on demand before the trace was known to be sampled: it lacks but its weight. */
  readonly unweighted: readonly Unweighted[];
  /** Another function judges some of it. */
  readonly isBusy: boolean;
}

/** Judges are leased, so that a second delivery does not pay too. */
export async function prepareEvaluations(record: TraceRecord, context: PrepareContext): Promise<Prepared> {
  const { evaluations, stopped } = await pendingEvaluations(record, context);
  const toDo = new Set(evaluations.map(({ selected }) => selected.name));
  const judges = evaluations.filter(isJudge);
  const leases = await Promise.all(judges.map((evaluation) => lease(evaluation, context)));
  return {
    code: evaluations.filter(isCode),
    judges: judges.filter((_, i) => leases[i]),
    stopped,
    takenOver: takenOver(record, context).filter(({ after }) => !toDo.has(after.scorerName)),
    unweighted: unweightedOf(record, context).filter(({ selected }) => !toDo.has(selected.name)),
    isBusy: leases.includes(false),
  };
}

/** What is held on demand; who samples the trace would else be forgotten. */
function takenOver(record: TraceRecord, { request }: PrepareContext): Prepared['takenOver'] {
  const { experimentId, rulesVersion, backfill, scorers } = request;
  return scorers.flatMap((selected) => {
    const { sampleRate } = selected;
    const before = outcomeOf(selected, record);
    if (before?.state !== 'held' || before.request?.sampleRate !== undefined || sampleRate === undefined) return [];
    const asked = { experimentId, rulesVersion, sampleRate, ...(backfill && { backfill }) };
    return [{ before, after: { ...before, request: asked } }];
  });
}

/** What was judged on demand, of a trace of whose sampling somebody knows. */
export function unweightedOf(
  record: Pick<TraceRecord, 'outcomes'>,
  { request, rateOf }: Pick<PrepareContext, 'request' | 'rateOf'>,
): readonly Unweighted[] {
  return request.scorers.flatMap((scorer) => {
    const before = outcomeOf(scorer, record);
    const selected = rated(scorer, { rateOf });
    return before?.unweighted && isFinished(before) && selected.sampleRate !== undefined ? [{ selected, before }] : [];
  });
}

function rated(selected: SelectedScorer, { rateOf }: Pick<PrepareContext, 'rateOf'>): SelectedScorer {
  const sampleRate = rateOf(selected);
  return sampleRate === undefined ? selected : { ...selected, sampleRate };
}

async function pendingEvaluations(
  record: TraceRecord,
  { request, rules, rateOf, deps }: PrepareContext,
): Promise<{ evaluations: readonly Evaluation[]; stopped: readonly EvaluationOutcome[] }> {
  const now = deps.now();
  const pending = request.scorers.flatMap((selected) => {
    const before = outcomeOf(selected, record);
    return isToDo(before, { request, now }) ? [{ selected: rated(selected, { rateOf }), before }] : [];
  });
  // It costs nothing any more. What is on its way through the queue is judged as it was decided; a backfill has an end of its own.
  const isOver = (one: (typeof pending)[number]) =>
    one.before?.state === 'held' && request.backfill === undefined && isStopped(one.selected.name, rules);
  const stopped = pending.filter(isOver).map(({ selected }) => ({
    ...identity(selected, request),
    state: 'failed' as const,
    finishedAt: now,
    reason: 'its scorer was stopped before it could be judged',
  }));
  const going = pending.filter((one) => !isOver(one));
  const evaluations = await Promise.all(
    going.map(async ({ selected, before }) => ({ before, ...(await open(selected, { request, deps })) })),
  );
  return { evaluations, stopped };
}

type OpenDeps = Pick<PrepareDeps, 'scorers' | 'createScorer'>;

async function open(
  selected: SelectedScorer,
  { request, deps }: { request: EvaluationRequest; deps: OpenDeps },
): Promise<Omit<Evaluation, 'before'>> {
  const version = await deps.scorers.definition(request.experimentId, selected.name, selected.version);
  if (version === undefined) throw new Error(`scorer ${selected.name} version ${selected.version} is not registered`);
  return { selected, version, scorer: deps.createScorer(version) };
}

/** Every scorer of a request, whatever became of it before. */
export async function openEvaluations(
  request: EvaluationRequest,
  deps: OpenDeps,
): Promise<Pick<Prepared, 'code' | 'judges'>> {
  const evaluations: readonly Evaluation[] = await Promise.all(
    request.scorers.map(async (selected) => ({ before: undefined, ...(await open(selected, { request, deps })) })),
  );
  return { code: evaluations.filter(isCode), judges: evaluations.filter(isJudge) };
}

/** Of a message that came back before it was asked to: what it is for waits a little longer. Longer waits are the sweep's. */
export function earlyWaits(
  record: TraceRecord,
  { request, deps }: Pick<PrepareContext, 'request' | 'deps'>,
): readonly number[] {
  const now = deps.now();
  return request.scorers.flatMap((selected) => {
    const { state, until = 0 } = outcomeOf(selected, record) ?? { state: 'done' };
    return state === 'held' && until > now && until - now <= longestShortWaitMs ? until - now : [];
  });
}

function outcomeOf(
  { name, version }: SelectedScorer,
  { outcomes }: Pick<TraceRecord, 'outcomes'>,
): EvaluationOutcome | undefined {
  return outcomes.find(({ scorerName, scorerVersion }) => scorerName === name && scorerVersion === version);
}

/** Neither judged already, nor held for a while yet. */
function isToDo(
  before: EvaluationOutcome | undefined,
  { request, now }: { request: EvaluationRequest; now: number },
): boolean {
  if (before === undefined) return true;
  if (isFinished(before)) return isAskedAgain(before, request);
  return before.state !== 'held' || (before.until ?? 0) <= now || isLetGo(before);
}

/** Spans that came later have a trace judged again; a backfill only where it was asked to, and once. */
function isAskedAgain(before: EvaluationOutcome, { revision, backfill }: EvaluationRequest): boolean {
  if (!backfill) return before.revision < revision;
  const { id, again, since = Number.POSITIVE_INFINITY } = backfill;
  return again && before.backfillId !== id && before.finishedAt <= since;
}

function isJudge(evaluation: Evaluation): evaluation is JudgeEvaluation {
  return 'judge' in evaluation.scorer;
}

function isCode(evaluation: Evaluation): evaluation is CodeEvaluation {
  return !isJudge(evaluation);
}

/** False where another function judges it. */
async function lease({ selected, before }: JudgeEvaluation, { request, deps }: PrepareContext): Promise<boolean> {
  const now = deps.now();
  const running = { ...identity(selected, request), state: 'running' as const, finishedAt: now, until: now + leaseMs };
  const { heldSince, heldBy, request: askedBefore } = before ?? {};
  // Whom a backfill judges again has been judged, of this revision.
  const again = request.backfill?.again && request.backfill.id;
  return deps.outcomes.lease(
    {
      ...running,
      ...(heldBy && { heldSince, heldBy }),
      // Whoever waits for it is not forgotten where this function dies.
      ...(askedBefore && { request: askedBefore }),
      ...(again && { backfillId: again }),
    },
    now,
  );
}

/** What an outcome is the outcome of. */
export function identity({ name, version }: SelectedScorer, { traceId, revision }: EvaluationRequest) {
  return { traceId, scorerName: name, scorerVersion: version, revision };
}
