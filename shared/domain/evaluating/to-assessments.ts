import type { Assessment } from '../assessment.ts';
import type { SelectedScorer } from '../evaluation.ts';
import { isInline, type Scorer, type ScorerResult, type ScorerVersion } from '../scorer.ts';
import { assessmentId } from './assessment-id.ts';

interface AssessmentContext {
  readonly version: ScorerVersion;
  /** Where a result does not say itself. */
  readonly sourceType: Scorer['sourceType'];
  readonly selected: SelectedScorer;
  /** The trace that has them. */
  readonly traceId: string;
  /** What they are about, where that is more than the trace: their ids say nothing of the trace. */
  readonly subject?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly now: number;
}

/** What a scorer found, as assessments of a trace. */
export function toAssessments(results: readonly ScorerResult[], context: AssessmentContext): readonly Assessment[] {
  const seen = new Map<string, number>();
  return results.map((result) => {
    const place = `${result.spanId ?? ''}/${result.name ?? context.version.name}`;
    const ordinal = seen.get(place) ?? 0;
    seen.set(place, ordinal + 1);
    return toAssessment(result, { ...context, ordinal });
  });
}

function toAssessment(
  result: ScorerResult,
  {
    version,
    sourceType,
    selected,
    traceId,
    subject = traceId,
    metadata,
    now,
    ordinal,
  }: AssessmentContext & { ordinal: number },
): Assessment {
  const name = result.name ?? version.name;
  const about = { ...(result.spanId !== undefined && { spanId: result.spanId }) };
  return {
    assessmentId: assessmentId({
      traceId: subject,
      scorerId: version.scorerId,
      scorerVersion: version.version,
      feedbackName: name,
      ordinal,
      ...about,
    }),
    traceId,
    experimentId: version.experimentId,
    name,
    source: result.source ?? { type: sourceType, id: version.name },
    createdAt: now,
    updatedAt: now,
    kind: 'feedback',
    value: result.error === undefined ? result.value : null,
    ...(result.error && { error: result.error }),
    ...(result.rationale !== undefined && { rationale: result.rationale }),
    metadata: { ...result.metadata, ...scorerMetadata(version, selected), ...metadata },
    ...about,
    valid: true,
    ...(!isInline(version) && { scorer: scorerOf(selected) }),
  };
}

function scorerOf({ name, version, sampleRate }: SelectedScorer): NonNullable<Assessment['scorer']> {
  return { name, version, ...(sampleRate !== undefined && { sampleRate }) };
}

/** MLflow's names since 3.17 where it has one (mlflow/genai/scorers, `mlflow.assessment.*`). */
function scorerMetadata(scorer: ScorerVersion, { sampleRate }: SelectedScorer): Record<string, string> {
  return {
    'mlflow.assessment.scorerName': scorer.name,
    ...(!isInline(scorer) && { 'mlflow.assessment.scorerVersion': String(scorer.version) }),
    ...(sampleRate !== undefined && { [sampleRateKey]: String(sampleRate) }),
  };
}

const sampleRateKey = 'assay.sampleRate';

/** An assessment that was made on demand, of a trace that turns out to be in a sample. What was found stays as it is. */
export function weighted(assessment: Assessment, { selected, now }: { selected: SelectedScorer; now: number }) {
  const { sampleRate } = selected;
  return {
    ...assessment,
    updatedAt: now,
    metadata: { ...assessment.metadata, [sampleRateKey]: String(sampleRate) },
    scorer: scorerOf(selected),
  };
}
