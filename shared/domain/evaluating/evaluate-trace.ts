import type { Assessment } from '../assessment.ts';
import type { EvaluationOutcome, EvaluationRequest, SelectedScorer } from '../evaluation.ts';
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
import type { Scorer, ScorerResult, ScorerVersion } from '../scorer.ts';
import { toAssessments } from './to-assessments.ts';

export interface EvaluateTraceDeps {
  readonly index: Pick<TraceIndex, 'readTrace'>;
  readonly segments: Pick<SegmentStore, 'readBlock'>;
  readonly codec: Pick<TraceCodec, 'decode' | 'merge' | 'decompress'>;
  readonly scorers: Pick<ScorerStore, 'get'>;
  readonly createScorer: (version: ScorerVersion) => Scorer | { readonly unsupported: string };
  readonly assessments: Pick<AssessmentStore, 'put'>;
  readonly outcomes: EvaluationStore;
  readonly archive: AssessmentArchive;
  readonly now: Clock;
}

/**
 * Runs the selected scorers on one trace. What they found is stored, then archived, and only then the outcome says done: a run
 * that died is repeated and overwrites the same assessments. A trace that has been deleted meanwhile is left alone.
 */
export async function evaluateTrace(request: EvaluationRequest, deps: EvaluateTraceDeps): Promise<void> {
  const record = await deps.index.readTrace(request.traceId);
  if (record === undefined) return;
  const pending = request.scorers.filter((scorer) => !isFinished(scorer, { record, revision: request.revision }));
  if (pending.length === 0) return;
  const trace = await loadTrace(record, deps);
  const evaluations = await Promise.all(pending.map((selected) => evaluate(selected, { request, trace, deps })));
  const assessments = evaluations.flatMap((evaluation) => evaluation.assessments);
  const written = await deps.assessments.put(assessments);
  await deps.archive.addAssessments(written);
  await deps.outcomes.put(evaluations.map(({ outcome }) => outcome));
}

function isFinished(
  { name, version }: SelectedScorer,
  { record, revision }: { record: TraceRecord; revision: number },
): boolean {
  return record.outcomes.some(
    (outcome) => outcome.scorerName === name && outcome.scorerVersion === version && outcome.revision >= revision,
  );
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
  selected: SelectedScorer,
  { request, trace, deps }: { request: EvaluationRequest; trace: ScorableTrace; deps: EvaluateTraceDeps },
): Promise<{ assessments: readonly Assessment[]; outcome: EvaluationOutcome }> {
  const version = await deps.scorers.get(request.experimentId, selected.name, selected.version);
  if (version === undefined) throw new Error(`scorer ${selected.name} version ${selected.version} is not registered`);
  const { scorer, results } = await run(version, { trace, deps });
  const now = deps.now();
  const failure = results.find(({ error }) => error !== undefined)?.error;
  return {
    assessments: toAssessments(results, { version, scorer, selected, traceId: request.traceId, now }),
    outcome: {
      traceId: request.traceId,
      scorerName: selected.name,
      scorerVersion: selected.version,
      state: failure === undefined ? 'done' : 'failed',
      revision: request.revision,
      finishedAt: now,
      ...(failure && { reason: `${failure.code}: ${failure.message}` }),
    },
  };
}

/** Runs one scorer; what it throws is its failure alone, an error and never a score. */
async function run(
  version: ScorerVersion,
  { trace, deps }: { trace: ScorableTrace; deps: EvaluateTraceDeps },
): Promise<{ scorer: Pick<Scorer, 'sourceType'>; results: readonly ScorerResult[] }> {
  const scorer = deps.createScorer(version);
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
