import type { Assessment } from '../assessment.ts';
import { SandboxUnavailableError } from '../code/run-code.ts';
import { type EvaluationOutcome, type EvaluationRequest, isFinished, type SelectedScorer } from '../evaluation.ts';
import { toScorableTrace } from '../facts/scorable.ts';
import type { Judge } from '../judging/judge.ts';
import {
  type JudgingEnd,
  type JudgingEvent,
  type JudgingMetrics,
  nothingSpent,
  type Spent,
} from '../judging/judging-metrics.ts';
import type { JudgeOutcome } from '../judging/run-judges.ts';
import type {
  AssessmentArchive,
  AssessmentStore,
  Clock,
  EvaluationStore,
  RuleStore,
  ScorerStore,
  TraceIndex,
  TraceRecord,
} from '../ports.ts';
import { blocksOf, type ReadBlocksDeps, readBlockSpans } from '../read-blocks.ts';
import { isStopped, type Rules } from '../rules.ts';
import type { ScorableTrace } from '../scorable-trace.ts';
import type { Runnable, Scorer, ScorerResult, ScorerVersion } from '../scorer.ts';
import type { TraceInfo } from '../trace.ts';
import { afterFailure, endOf, endsPause, heldBy, heldSinceBy, longestShortWaitMs } from './after-failure.ts';
import { askJudges, type Judging } from './ask-judges.ts';
import { pauseScorer, resumeScorer } from './pause-scorer.ts';
import { toAssessments } from './to-assessments.ts';

export interface EvaluateTraceDeps extends ReadBlocksDeps {
  readonly index: Pick<TraceIndex, 'readTrace'>;
  readonly scorers: Pick<ScorerStore, 'definition'>;
  readonly rules: RuleStore;
  readonly createScorer: (version: ScorerVersion) => Runnable;
  readonly judging: Judging;
  readonly assessments: Pick<AssessmentStore, 'put'>;
  readonly outcomes: EvaluationStore;
  readonly archive: AssessmentArchive;
  readonly metrics: Pick<JudgingMetrics, 'note'>;
  readonly now: Clock;
}

/** How an evaluation ended, for whoever holds its message. */
export interface Evaluated {
  /** The message is to come back, not before so many ms: a judge was not there for a moment. */
  readonly retryAfterMs?: number;
}

/** Another function judges the trace: whoever has the message keeps it, in case that one dies. */
class EvaluationBusyError extends Error {
  override readonly name = 'EvaluationBusyError';
}

/** Longer than a function lives: a lease ends only by the death of its holder. */
const leaseMs = 150_000;
/** The sweep asks for an evaluation again whose message should have come back, but did not. */
const graceMs = 5 * 60_000;

/** A selected scorer that is to judge the trace. */
interface Evaluation<Kind extends Runnable = Runnable> {
  readonly selected: SelectedScorer;
  readonly version: ScorerVersion;
  readonly scorer: Kind;
  readonly before: EvaluationOutcome | undefined;
}

type JudgeEvaluation = Evaluation<{ readonly judge: Judge }>;

/** Runs a task when there is room for so many bytes of spans, as they are stored. */
type InRoom = <T>(storedBytes: number, task: () => Promise<T>) => Promise<T>;

interface Context {
  readonly request: EvaluationRequest;
  /** How often the message has been received, this time included. */
  readonly receives: number;
  readonly rules: Rules;
  readonly deps: EvaluateTraceDeps;
}

/** What one scorer left behind. */
interface Left {
  readonly outcome: EvaluationOutcome;
  readonly assessments: readonly Assessment[];
  readonly end: JudgingEnd;
  readonly spent: Spent;
  /** Its scorer is to be paused, for the outcome's reason, or resumed if it is. */
  readonly pauses?: boolean;
  readonly resumes?: boolean;
  readonly retryAfterMs?: number;
}

/**
 * Runs the selected scorers on one trace. What they found is stored, then archived, and only then the outcome says done: a run
 * that died is repeated and overwrites the same assessments. Judges are leased first, so that a second delivery does not pay too. A
 * scorer that cannot run now is held: it has an outcome that says why, and no assessment. A deleted trace is left alone.
 */
export async function evaluateTrace(
  request: EvaluationRequest,
  { receives, inRoom, deps }: { receives: number; inRoom: InRoom; deps: EvaluateTraceDeps },
): Promise<Evaluated> {
  const record = await deps.index.readTrace(request.traceId);
  const context = { request, receives, rules: await deps.rules.current(request.experimentId), deps };
  if (record === undefined) return forget(context);
  const { evaluations, stopped } = await prepareAll(record, context);
  const leased = await leaseAll(evaluations.filter(isJudging), context);
  const runnable = evaluations.filter(isCode);
  const left =
    runnable.length + leased.judging.length === 0
      ? []
      : await inRoom(storedBytes(record), async () =>
          judgeAll({ runnable, judging: leased.judging }, { ...context, trace: await loadTrace(record, deps) }),
        );
  const written = await deps.assessments.put(left.flatMap(({ assessments }) => assessments));
  await deps.archive.addAssessments(written);
  await deps.outcomes.put([...stopped, ...left.map(({ outcome }) => outcome)]);
  // Now that what was found is kept: nothing is lost where this fails.
  for (const one of left) await changePause(one, context);
  for (const one of left) deps.metrics.note(judgingEvent(one, record.info));
  if (leased.isBusy) throw new EvaluationBusyError(`trace ${request.traceId} is being judged by another function`);
  const waits = [...left.flatMap(({ retryAfterMs }) => retryAfterMs ?? []), ...earlyWaits(record, context)];
  return waits.length > 0 ? { retryAfterMs: Math.min(...waits) } : {};
}

/** A trace that is gone: nothing is held of it any more, and where it was to end a pause the next trace does. */
async function forget({ request: { traceId, scorers }, rules, deps }: Context): Promise<Evaluated> {
  await deps.outcomes.remove(traceId, scorers);
  for (const selected of scorers) await resumeScorer(selected, { rules, store: deps.rules });
  return {};
}

async function prepareAll(
  record: TraceRecord,
  { request, rules, deps }: Context,
): Promise<{ evaluations: readonly Evaluation[]; stopped: readonly EvaluationOutcome[] }> {
  const now = deps.now();
  const pending = request.scorers.flatMap((selected) => {
    const before = outcomeOf(selected, record);
    return isToDo(before, { revision: request.revision, now }) ? [{ selected, before }] : [];
  });
  // It costs nothing any more. What is on its way through the queue is judged as it was decided.
  const isOver = (one: (typeof pending)[number]) => one.before?.state === 'held' && isStopped(one.selected.name, rules);
  const going = pending.filter((one) => !isOver(one));
  const evaluations = await Promise.all(
    going.map(async ({ selected, before }) => {
      const version = await deps.scorers.definition(request.experimentId, selected.name, selected.version);
      if (version === undefined)
        throw new Error(`scorer ${selected.name} version ${selected.version} is not registered`);
      return { selected, before, version, scorer: deps.createScorer(version) };
    }),
  );
  const stopped = pending.filter(isOver).map(({ selected }) => ({
    ...identity(selected, request),
    state: 'failed' as const,
    finishedAt: now,
    reason: 'its scorer was stopped before it could be judged',
  }));
  return { evaluations, stopped };
}

/** Of a message that came back before it was asked to: what it is for waits a little longer. Longer waits are the sweep's. */
function earlyWaits(record: TraceRecord, { request, deps }: Context): readonly number[] {
  const now = deps.now();
  return request.scorers.flatMap((selected) => {
    const { state, until = 0 } = outcomeOf(selected, record) ?? { state: 'done' };
    return state === 'held' && until > now && until - now <= longestShortWaitMs ? until - now : [];
  });
}

function outcomeOf({ name, version }: SelectedScorer, { outcomes }: TraceRecord): EvaluationOutcome | undefined {
  return outcomes.find(({ scorerName, scorerVersion }) => scorerName === name && scorerVersion === version);
}

/** Neither judged already, nor held for a while yet. */
function isToDo(before: EvaluationOutcome | undefined, { revision, now }: { revision: number; now: number }): boolean {
  if (before === undefined) return true;
  if (isFinished(before)) return before.revision < revision;
  return before.state !== 'held' || (before.until ?? 0) <= now;
}

function isJudging(evaluation: Evaluation): evaluation is JudgeEvaluation {
  return 'judge' in evaluation.scorer;
}

function isCode(evaluation: Evaluation): evaluation is Evaluation<Scorer | { readonly unsupported: string }> {
  return !isJudging(evaluation);
}

function identity({ name, version }: SelectedScorer, { traceId, revision }: EvaluationRequest) {
  return { traceId, scorerName: name, scorerVersion: version, revision };
}

/** Those that no other function judges: they are ours until the lease ends. */
async function leaseAll(
  judging: readonly JudgeEvaluation[],
  { request, deps }: Context,
): Promise<{ judging: readonly JudgeEvaluation[]; isBusy: boolean }> {
  const now = deps.now();
  const leases = await Promise.all(
    judging.map(({ selected, before }) => {
      const lease = {
        ...identity(selected, request),
        state: 'running' as const,
        finishedAt: now,
        until: now + leaseMs,
      };
      const { heldSince, heldBy } = before ?? {};
      return deps.outcomes.lease({ ...lease, ...(heldBy && { heldSince, heldBy }) }, now);
    }),
  );
  return { judging: judging.filter((_, i) => leases[i]), isBusy: leases.includes(false) };
}

function storedBytes(record: TraceRecord): number {
  return blocksOf(record).reduce((sum, { length }) => sum + length, 0);
}

/** The whole trace: one fetch for all its scorers. */
async function loadTrace(record: TraceRecord, deps: EvaluateTraceDeps): Promise<ScorableTrace> {
  const spans = await readBlockSpans(blocksOf(record), deps);
  return toScorableTrace({ info: record.info, spans, assessments: record.assessments });
}

async function judgeAll(
  {
    runnable,
    judging,
  }: {
    runnable: readonly Evaluation<Scorer | { readonly unsupported: string }>[];
    judging: readonly JudgeEvaluation[];
  },
  context: Context & { readonly trace: ScorableTrace },
): Promise<readonly Left[]> {
  const [code, judged] = await Promise.all([
    Promise.all(runnable.map((evaluation) => runCode(evaluation, context))),
    judge(judging, context),
  ]);
  return [...code, ...judged];
}

async function runCode(
  evaluation: Evaluation<Scorer | { readonly unsupported: string }>,
  context: Context & { readonly trace: ScorableTrace },
): Promise<Left> {
  const { request, deps, trace } = context;
  const ran = await run(evaluation.scorer, trace);
  if ('unavailable' in ran) return leftByFailure(evaluation, { ...context, failure: ran.unavailable });
  const { scorer, results } = ran;
  return leftBy(evaluation, { request, results, now: deps.now(), sourceType: scorer.sourceType, spent: nothingSpent });
}

/** Runs one scorer; what it throws is its failure alone, an error and never a score. */
async function run(
  scorer: Scorer | { readonly unsupported: string },
  trace: ScorableTrace,
): Promise<
  { scorer: Pick<Scorer, 'sourceType'>; results: readonly ScorerResult[] } | { unavailable: SandboxUnavailableError }
> {
  if ('unsupported' in scorer) {
    return { scorer: { sourceType: 'CODE' }, results: [failed('SCORER_NOT_SUPPORTED', scorer.unsupported)] };
  }
  try {
    return { scorer, results: await scorer.score(trace) };
  } catch (error) {
    // Nothing was found out.
    if (error instanceof SandboxUnavailableError) return { unavailable: error };
    return { scorer, results: [failed('SCORER_ERROR', error instanceof Error ? error.message : String(error))] };
  }
}

function failed(code: string, message: string): ScorerResult {
  return { value: null, error: { code, message } };
}

/** What was found, and the outcome that says so. */
function leftBy(
  { selected, version, before }: Evaluation,
  {
    request,
    results,
    now,
    sourceType,
    spent,
  }: {
    request: EvaluationRequest;
    results: readonly ScorerResult[];
    now: number;
    sourceType: Scorer['sourceType'];
    spent: Spent;
  },
): Left {
  const failure = results.find(({ error }) => error !== undefined)?.error;
  return {
    assessments: toAssessments(results, { version, sourceType, selected, traceId: request.traceId, now }),
    outcome: {
      ...identity(selected, request),
      state: failure === undefined ? 'done' : 'failed',
      finishedAt: now,
      ...(failure && { reason: `${failure.code}: ${failure.message}` }),
    },
    end: endOf(results),
    spent,
    resumes: endsPause(spent, before),
  };
}

async function judge(
  judging: readonly JudgeEvaluation[],
  context: Context & { readonly trace: ScorableTrace },
): Promise<readonly Left[]> {
  const { rules, deps, trace } = context;
  const outcomes = await askJudges(judging, { traces: [trace], rules, judging: deps.judging });
  return judging.map((evaluation, i) =>
    concludeJudging(evaluation, { ...context, outcome: outcomes[i] as JudgeOutcome }),
  );
}

function concludeJudging(
  evaluation: JudgeEvaluation,
  context: Context & { readonly trace: ScorableTrace; readonly outcome: JudgeOutcome },
): Left {
  const { request, deps, outcome } = context;
  if ('failure' in outcome) return leftByFailure(evaluation, { ...context, failure: outcome.failure });
  const { results, spent } = outcome;
  return leftBy(evaluation, { request, results, now: deps.now(), sourceType: 'LLM_JUDGE', spent });
}

function leftByFailure(
  evaluation: Evaluation,
  {
    request,
    receives,
    deps,
    rules,
    trace,
    failure,
  }: Context & { readonly trace: ScorableTrace; readonly failure: Error },
): Left {
  const { selected, before } = evaluation;
  const now = deps.now();
  const catchesUp = rules.settings.catchUpBudgets;
  const by = heldBy(failure);
  const heldSince = heldSinceBy(by, before);
  const next = afterFailure(failure, { now, heldSince, receives, catchesUp });
  if (next.kind === 'fail') {
    const results = [failed(next.error.code, next.error.message)];
    return leftBy(evaluation, { request, results, now, sourceType: 'LLM_JUDGE', spent: nothingSpent });
  }
  const until = next.kind === 'retry' ? now + next.waitMs : next.until;
  return {
    assessments: [],
    outcome: {
      ...identity(selected, request),
      state: 'held',
      finishedAt: now,
      reason: next.reason,
      heldSince: heldSince ?? now,
      heldBy: by,
      ...(until !== undefined && {
        until,
        dueAt: next.kind === 'retry' ? until + graceMs : until + (by === 'budget' ? laterMs(trace, until) : 0),
      }),
      request: {
        experimentId: request.experimentId,
        rulesVersion: request.rulesVersion,
        sampleRate: selected.sampleRate,
      },
    },
    end: { kind: 'held', by },
    spent: nothingSpent,
    pauses: next.kind === 'pause',
    ...(next.kind === 'retry' && { retryAfterMs: next.waitMs }),
  };
}

/** Of what one budget held back, and gives free at one time, the newest is asked for first: a second later for each quarter of an hour of age, an hour at most. */
function laterMs({ facts }: ScorableTrace, until: number): number {
  return Math.min(3_600_000, Math.max(0, Math.floor((until - facts.requestTime) / 900)));
}

async function changePause(
  { outcome, pauses = false, resumes = false }: Left,
  { rules, deps: { rules: store } }: Context,
): Promise<void> {
  const { scorerName: name, scorerVersion: version, reason = '', finishedAt: now } = outcome;
  if (pauses) await pauseScorer({ name, version }, { reason, now, rules, store });
  else if (resumes) await resumeScorer({ name, version }, { rules, store });
}

/** The seconds count from the arrival of the last span. */
function judgingEvent({ outcome, end, spent }: Left, { experimentId, lastArrivalAt }: TraceInfo): JudgingEvent {
  const about = { experimentId, scorer: outcome.scorerName, outcome: end, ...spent };
  if (end.kind === 'held') return about;
  return { ...about, secondsToAssessment: Math.max(0, outcome.finishedAt - lastArrivalAt) / 1000 };
}
