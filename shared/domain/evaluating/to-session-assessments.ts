import type { Assessment } from '../assessment.ts';
import { sessionKey } from '../facts/who.ts';
import type { JudgedResult } from '../judging/run-judges.ts';
import type { SessionRef } from '../session.ts';
import { assessmentId } from './assessment-id.ts';
import type { SessionTask } from './conclude-session.ts';
import { scorerMetadata } from './to-assessments.ts';

/**
 * What a scorer found about a session, as assessments of its first trace. The ids say nothing of the trace: judging the session again
 * makes versions of the same assessments.
 */
export function toSessionAssessments(
  results: readonly JudgedResult[],
  context: SessionTask & {
    readonly session: SessionRef;
    readonly firstTraceId: string;
    readonly tracesLeftOut: number;
    readonly isCut: boolean;
    readonly now: number;
  },
): readonly Assessment[] {
  const seen = new Map<string, number>();
  return results.map((result) => {
    const name = result.name ?? context.version.name;
    const ordinal = seen.get(name) ?? 0;
    seen.set(name, ordinal + 1);
    return toAssessment(result, { ...context, name, ordinal });
  });
}

function toAssessment(
  result: JudgedResult,
  {
    version,
    selected,
    session,
    firstTraceId,
    tracesLeftOut,
    isCut,
    now,
    name,
    ordinal,
  }: Parameters<typeof toSessionAssessments>[1] & { name: string; ordinal: number },
): Assessment {
  return {
    assessmentId: assessmentId({
      traceId: `session/${session.experimentId}/${session.sessionId}`,
      scorerId: version.scorerId,
      scorerVersion: version.version,
      feedbackName: name,
      ordinal,
    }),
    traceId: firstTraceId,
    experimentId: session.experimentId,
    name,
    source: result.source,
    createdAt: now,
    updatedAt: now,
    kind: 'feedback',
    value: result.error === undefined ? result.value : null,
    ...(result.error && { error: result.error }),
    ...(result.rationale !== undefined && { rationale: result.rationale }),
    metadata: {
      ...result.metadata,
      ...scorerMetadata(selected),
      // MLflow's own (mlflow/genai/scorers/online/session_processor.py).
      [sessionKey]: session.sessionId,
      'mlflow.assessment.onlineScoringSessionId': session.sessionId,
      ...(isCut && { 'assay.olderTracesLeftOut': 'true' }),
      ...(tracesLeftOut > 0 && { 'assay.tracesLeftOut': String(tracesLeftOut) }),
    },
    valid: true,
    scorer: { name: selected.name, version: selected.version, sampleRate: selected.sampleRate },
  };
}
