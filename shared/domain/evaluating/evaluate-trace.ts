import type { Assessment } from '../assessment.ts';
import { type EvaluationOutcome, type EvaluationRequest, isFinished, type SelectedScorer } from '../evaluation.ts';
import { toScorableTrace } from '../facts/scorable.ts';
import type {
  AssessmentArchive,
  AssessmentStore,
  Clock,
  EvaluationStore,
  ScorerStore,
  TraceIndex,
  TraceRecord,
} from '../ports.ts';
import { blocksOf, type ReadBlocksDeps, readBlockSpans } from '../read-blocks.ts';
import type { ScorableTrace } from '../scorable-trace.ts';
import type { Runnable, Scorer, ScorerResult, ScorerVersion } from '../scorer.ts';
import { toAssessments } from './to-assessments.ts';

export interface EvaluateTraceDeps extends ReadBlocksDeps {
  readonly index: Pick<TraceIndex, 'readTrace'>;
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
 */
export async function evaluateTrace(request: EvaluationRequest, deps: EvaluateTraceDeps): Promise<void> {
  const record = await deps.index.readTrace(request.traceId);
  if (record === undefined) return;
  const pending = request.scorers.filter((scorer) => !isJudged(scorer, { record, revision: request.revision }));
  if (pending.length === 0) return;
  const evaluations = await Promise.all(pending.map((selected) => prepare(selected, { request, deps })));
  const held = evaluations.filter(isHeld).map((evaluation) => heldOutcome(evaluation, { request, deps }));
  const runnable = evaluations.filter((evaluation) => !isHeld(evaluation));
  const judged = runnable.length === 0 ? [] : await judge(runnable, { request, record, deps });
  await deps.outcomes.put([...held, ...judged]);
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
): Promise<readonly EvaluationOutcome[]> {
  // One fetch for all its scorers.
  const spans = await readBlockSpans(blocksOf(record), deps);
  const trace = toScorableTrace({ info: record.info, spans, assessments: record.assessments });
  const judged = await Promise.all(evaluations.map((evaluation) => evaluate(evaluation, { request, trace, deps })));
  const written = await deps.assessments.put(judged.flatMap(({ assessments }) => assessments));
  await deps.archive.addAssessments(written);
  return judged.map(({ outcome }) => outcome);
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
    return { scorer, results: [failed('SCORER_ERROR', error instanceof Error ? error.message : String(error))] };
  }
}

function failed(code: string, message: string): ScorerResult {
  return { value: null, error: { code, message } };
}
