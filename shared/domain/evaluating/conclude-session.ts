import type { Assessment } from '../assessment.ts';
import { endedBy, type SelectedScorer } from '../evaluation.ts';
import { sessionKey } from '../facts/who.ts';
import { type HeldBy, type JudgingEnd, nothingSpent, type Spent } from '../judging/judging-metrics.ts';
import type { JudgedResult } from '../judging/run-judges.ts';
import type { ScorerVersion } from '../scorer.ts';
import type { SessionDecision, SessionEvaluationRequest, SessionOutcome, SessionRecord } from '../session.ts';
import { afterFailure, endOf, endsPause, heldBy, heldSinceBy } from './after-failure.ts';
import type { PauseChange } from './pause-scorer.ts';
import { toAssessments } from './to-assessments.ts';

/** A scorer that is to judge a session. */
export interface SessionTask {
  readonly selected: SelectedScorer;
  readonly version: ScorerVersion;
}

/** What a scorer found of a session, or why it could not be asked. */
export type SessionVerdict =
  | { readonly results: readonly JudgedResult[]; readonly spent: Spent }
  | { readonly failure: Error };

export interface ConcludeContext {
  readonly task: SessionTask;
  readonly session: SessionRecord;
  readonly decision: SessionDecision;
  readonly request: SessionEvaluationRequest;
  readonly traces: number;
  readonly tracesLeftOut: number;
  /** More traces than are judged lie between the first and the second one. */
  readonly isCut: boolean;
  /** Whether what a budget held back is judged when the budget returns. */
  readonly catchesUp: boolean;
  readonly now: number;
}

export interface Concluded extends PauseChange {
  readonly assessments: readonly Assessment[];
  readonly outcome: SessionOutcome;
  readonly end: JudgingEnd;
  readonly spent: Spent;
  /** Epoch ms; absent where nothing is left to do. */
  readonly retryAt?: number;
}

/** What follows from a verdict. A model that cannot be asked now holds the session; whatever else goes wrong is an error, never a score. */
export function concludeSession(verdict: SessionVerdict, context: ConcludeContext): Concluded {
  if ('results' in verdict) return keep(verdict, context);
  const { now, catchesUp } = context;
  const by = heldBy(verdict.failure);
  const heldSince = heldSinceBy(by, beforeIn(context));
  // It waits where it lies: no message of it comes back.
  const next = afterFailure(verdict.failure, { now, heldSince, receives: Number.POSITIVE_INFINITY, catchesUp });
  if (next.kind === 'fail') {
    const source = { type: 'CODE', id: context.task.selected.name } as const;
    return keep({ results: [{ value: null, error: next.error, source }], spent: nothingSpent }, context);
  }
  const retryAt = next.kind === 'retry' ? now + next.waitMs : next.until;
  return {
    assessments: [],
    outcome: held({ reason: next.reason, by, since: heldSince ?? now }, context),
    end: { kind: 'held', by },
    spent: nothingSpent,
    ...(retryAt !== undefined && { retryAt }),
    pauses: next.kind === 'pause',
  };
}

function keep(
  { results, spent }: { results: readonly JudgedResult[]; spent: Spent },
  context: ConcludeContext,
): Concluded {
  const { task, request, decision, now } = context;
  const assessments = toAssessments(results, {
    ...task,
    sourceType: 'LLM_JUDGE',
    traceId: decision.firstTraceId,
    // Judging the session again makes versions of the same assessments.
    subject: `session/${request.experimentId}/${request.sessionId}`,
    metadata: sessionMetadata(context),
    now,
  });
  const outcome: SessionOutcome = {
    ...aboutOf(context),
    assessmentIds: assessments.map(({ assessmentId }) => assessmentId),
    ...endedBy(results),
  };
  return { assessments, outcome, end: endOf(results), spent, resumes: endsPause(spent, outcomeIn(context)) };
}

function sessionMetadata({ request, tracesLeftOut, isCut }: ConcludeContext): Readonly<Record<string, string>> {
  return {
    // MLflow's own (mlflow/genai/scorers/online/session_processor.py).
    [sessionKey]: request.sessionId,
    'mlflow.assessment.onlineScoringSessionId': request.sessionId,
    ...(isCut && { 'assay.olderTracesLeftOut': 'true' }),
    ...(tracesLeftOut > 0 && { 'assay.tracesLeftOut': String(tracesLeftOut) }),
  };
}

/** What was found of the session before it resumed stays until it can be judged. */
function held(
  { reason, by, since }: { reason: string; by: HeldBy; since: number },
  context: ConcludeContext,
): SessionOutcome {
  const before = outcomeIn(context);
  return {
    ...aboutOf(context),
    ...(before && { traceId: before.traceId }),
    state: 'held',
    reason,
    heldSince: since,
    heldBy: by,
    assessmentIds: before?.assessmentIds ?? [],
  };
}

function outcomeIn({ session, task: { selected } }: ConcludeContext): SessionOutcome | undefined {
  return session.outcomes.find(
    ({ scorerName, scorerVersion }) => scorerName === selected.name && scorerVersion === selected.version,
  );
}

/** What became of the same conversation before. */
function beforeIn(context: ConcludeContext): SessionOutcome | undefined {
  const before = outcomeIn(context);
  return before?.conversation === context.decision.conversation ? before : undefined;
}

function aboutOf({ task, decision, request, traces, tracesLeftOut, now }: ConcludeContext) {
  return {
    traceId: decision.firstTraceId,
    scorerName: task.selected.name,
    scorerVersion: task.selected.version,
    conversation: decision.conversation,
    lastActivityAt: request.lastActivityAt,
    traces,
    tracesLeftOut,
    finishedAt: now,
  };
}
