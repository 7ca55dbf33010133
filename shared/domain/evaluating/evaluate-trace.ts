import type { Assessment } from '../assessment.ts';
import { SandboxUnavailableError } from '../code/run-code.ts';
import { type EvaluationOutcome, type EvaluationRequest, isFinished, type SelectedScorer } from '../evaluation.ts';
import { toScorableTrace } from '../facts/scorable.ts';
import { readSpans } from '../indexing/block.ts';
import type {
  AssessmentArchive,
  AssessmentStore,
  Clock,
  EvaluationStore,
  ScorerStore,
  SegmentStore,
  TraceCodec,
  TraceIndex,
  TraceRecord,
} from '../ports.ts';
import type { ScorableTrace } from '../scorable-trace.ts';
import type { Runnable, Scorer, ScorerResult, ScorerVersion } from '../scorer.ts';
import { toAssessments } from './to-assessments.ts';

export interface EvaluateTraceDeps {
  readonly index: Pick<TraceIndex, 'readTrace'>;
  readonly segments: Pick<SegmentStore, 'readBlock'>;
  readonly codec: Pick<TraceCodec, 'decode' | 'merge' | 'decompress'>;
  readonly scorers: Pick<ScorerStore, 'definition'>;
  readonly createScorer: (version: ScorerVersion) => Runnable;
  readonly assessments: Pick<AssessmentStore, 'put'>;
  readonly outcomes: EvaluationStore;
  readonly archive: AssessmentArchive;
  readonly now: Clock;
}

/** A selected scorer that is to judge the trace. */
interface Evaluation {
  readonly selected: SelectedScorer;
  readonly version: ScorerVersion;
  readonly scorer: Runnable;
}

/** One that something holds back. */
type HeldEvaluation = Evaluation & { readonly scorer: { readonly held: string } };

/**
 * Runs the selected scorers on one trace. What they found is stored, then archived, and only then the outcome says done: a run
 * that died is repeated and overwrites the same assessments. A scorer that cannot run now is held: it has an outcome that says why,
 * and no assessment. A trace that has been deleted meanwhile is left alone.
 * @throws SandboxUnavailableError when code could not be run, after all else is kept: the message comes again, for that scorer alone
 */
export async function evaluateTrace(request: EvaluationRequest, deps: EvaluateTraceDeps): Promise<void> {
  const record = await deps.index.readTrace(request.traceId);
  if (record === undefined) return;
  const pending = request.scorers.filter((scorer) => !isJudged(scorer, { record, revision: request.revision }));
  if (pending.length === 0) return;
  const evaluations = await Promise.all(pending.map((selected) => prepare(selected, { request, deps })));
  const held = evaluations.filter(isHeld).map((evaluation) => heldOutcome(evaluation, { request, deps }));
  const runnable = evaluations.filter((evaluation) => !isHeld(evaluation));
  const { judged, unavailable } =
    runnable.length === 0 ? { judged: [] } : await judge(runnable, { request, record, deps });
  await deps.outcomes.put([...held, ...judged]);
  if (unavailable !== undefined) throw unavailable;
}

function isJudged(
  { name, version }: SelectedScorer,
  { record, revision }: { record: TraceRecord; revision: number },
): boolean {
  return record.outcomes.some(
    (outcome) =>
      outcome.scorerName === name &&
      outcome.scorerVersion === version &&
      outcome.revision >= revision &&
      isFinished(outcome),
  );
}

async function prepare(
  selected: SelectedScorer,
  { request, deps }: { request: EvaluationRequest; deps: EvaluateTraceDeps },
): Promise<Evaluation> {
  const version = await deps.scorers.definition(request.experimentId, selected.name, selected.version);
  if (version === undefined) throw new Error(`scorer ${selected.name} version ${selected.version} is not registered`);
  return { selected, version, scorer: deps.createScorer(version) };
}

function isHeld(evaluation: Evaluation): evaluation is HeldEvaluation {
  return 'held' in evaluation.scorer;
}

function heldOutcome(
  { selected, scorer }: HeldEvaluation,
  { request, deps }: { request: EvaluationRequest; deps: EvaluateTraceDeps },
): EvaluationOutcome {
  return { ...outcomeOf(selected, request), state: 'held', finishedAt: deps.now(), reason: scorer.held };
}

function outcomeOf({ name, version }: SelectedScorer, { traceId, revision }: EvaluationRequest) {
  return { traceId, scorerName: name, scorerVersion: version, revision };
}

interface Context {
  readonly request: EvaluationRequest;
  readonly record: TraceRecord;
  readonly deps: EvaluateTraceDeps;
}

/** Judges the trace and keeps what was found; answers the outcomes, which are yet to be written. */
async function judge(
  evaluations: readonly Evaluation[],
  { request, record, deps }: Context,
): Promise<{ judged: readonly EvaluationOutcome[]; unavailable?: unknown }> {
  const trace = await loadTrace(record, deps);
  const settled = await Promise.allSettled(evaluations.map((each) => evaluate(each, { request, trace, deps })));
  const judged = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const unavailable = settled.find((result) => result.status === 'rejected')?.reason;
  const written = await deps.assessments.put(judged.flatMap(({ assessments }) => assessments));
  await deps.archive.addAssessments(written);
  return { judged: judged.map(({ outcome }) => outcome), unavailable };
}

/** The whole trace, blocks that are not merged yet included: one fetch for all its scorers. */
async function loadTrace(record: TraceRecord, { segments, codec }: EvaluateTraceDeps): Promise<ScorableTrace> {
  const refs = [...record.info.blocks, ...record.unmerged.map(({ block }) => block)];
  const blocks = await Promise.all(refs.map(async (ref) => codec.decompress(await segments.readBlock(ref))));
  const [only] = blocks;
  const spans = readSpans(blocks.length === 1 && only ? only : codec.merge(blocks), codec);
  return toScorableTrace({ info: record.info, spans, assessments: record.assessments });
}

async function evaluate(
  { selected, version, scorer: runnable }: Evaluation,
  { request, trace, deps }: { request: EvaluationRequest; trace: ScorableTrace; deps: EvaluateTraceDeps },
): Promise<{ assessments: readonly Assessment[]; outcome: EvaluationOutcome }> {
  const { scorer, results } = await run(runnable, trace);
  const now = deps.now();
  const failure = results.find(({ error }) => error !== undefined)?.error;
  return {
    assessments: toAssessments(results, { version, scorer, selected, traceId: request.traceId, now }),
    outcome: {
      ...outcomeOf(selected, request),
      state: failure === undefined ? 'done' : 'failed',
      finishedAt: now,
      ...(failure && { reason: `${failure.code}: ${failure.message}` }),
    },
  };
}

/** Runs one scorer; what it throws is its failure alone, an error and never a score. */
async function run(
  scorer: Runnable,
  trace: ScorableTrace,
): Promise<{ scorer: Pick<Scorer, 'sourceType'>; results: readonly ScorerResult[] }> {
  if ('held' in scorer) throw new Error(`a scorer that is held does not run: ${scorer.held}`);
  if ('unsupported' in scorer) {
    return { scorer: { sourceType: 'CODE' }, results: [failed('SCORER_NOT_SUPPORTED', scorer.unsupported)] };
  }
  try {
    return { scorer, results: await scorer.score(trace) };
  } catch (error) {
    // Nothing was found out.
    if (error instanceof SandboxUnavailableError) throw error;
    return { scorer, results: [failed('SCORER_ERROR', error instanceof Error ? error.message : String(error))] };
  }
}

function failed(code: string, message: string): ScorerResult {
  return { value: null, error: { code, message } };
}
