import type { Assessment } from '../assessment.ts';
import { JudgeMisconfiguredError, JudgeUnavailableError } from '../judging/judge-model.ts';
import type { JudgedResult } from '../judging/run-judges.ts';
import type { SessionDecision, SessionEvaluationRequest, SessionOutcome, SessionRecord } from '../session.ts';
import type { SessionTask, SessionVerdict } from './judge-session.ts';
import { toSessionAssessments } from './to-session-assessments.ts';

export interface ConcludeContext {
  readonly task: SessionTask;
  readonly session: SessionRecord;
  readonly decision: SessionDecision;
  readonly request: SessionEvaluationRequest;
  readonly traces: number;
  readonly tracesLeftOut: number;
  /** More traces than are judged lie between the first and the second one. */
  readonly isCut: boolean;
  readonly now: number;
}

export interface Concluded {
  readonly assessments: readonly Assessment[];
  readonly outcome: SessionOutcome;
  /** Epoch ms; absent where nothing is left to do. */
  readonly retryAt?: number;
}

/** What follows from a verdict. A model that cannot be asked now holds the session; whatever else goes wrong is an error, never a score. */
export function concludeSession(verdict: SessionVerdict | undefined, context: ConcludeContext): Concluded {
  if (verdict === undefined) throw new Error(`scorer ${context.task.selected.name} was given no verdict`);
  if ('held' in verdict) return hold(verdict.held, context);
  if ('results' in verdict) return keep(verdict.results, context);
  const { failure } = verdict;
  if (failure instanceof JudgeUnavailableError) return holdUntilAnswered(failure, context);
  if (failure instanceof JudgeMisconfiguredError) return holdUntilAnswered(failure, context);
  const error = { code: 'SCORER_ERROR', message: failure.message };
  return keep([{ value: null, error, source: { type: 'CODE', id: context.task.selected.name } }], context);
}

function keep(results: readonly JudgedResult[], context: ConcludeContext): Concluded {
  const { task, request, decision, now, tracesLeftOut, isCut } = context;
  const { firstTraceId } = decision;
  const assessments = toSessionAssessments(results, {
    ...task,
    session: request,
    firstTraceId,
    tracesLeftOut,
    isCut,
    now,
  });
  const failure = results.find(({ error }) => error !== undefined)?.error;
  const outcome: SessionOutcome = {
    ...aboutOf(context),
    state: failure ? 'failed' : 'done',
    assessmentIds: assessments.map(({ assessmentId }) => assessmentId),
    ...(failure && { reason: `${failure.code}: ${failure.message}` }),
  };
  return { assessments, outcome };
}

/** What was found of the session before it resumed stays until it can be judged. */
function hold(
  reason: string,
  context: ConcludeContext,
): { assessments: []; outcome: SessionOutcome & { heldSince: number } } {
  const { session, decision, task, now } = context;
  const { name, version } = task.selected;
  const before = session.outcomes.find((other) => other.scorerName === name && other.scorerVersion === version);
  const isSame = before?.conversation === decision.conversation;
  const outcome = {
    ...aboutOf(context),
    ...(before && { traceId: before.traceId }),
    state: 'held' as const,
    reason,
    heldSince: (isSame ? before?.heldSince : undefined) ?? now,
    assessmentIds: before?.assessmentIds ?? [],
  };
  return { assessments: [], outcome };
}

const [shortestWaitMs, longestWaitMs] = [60_000, 3_600_000];

/** Waits grow with the time that it has been held for: by half of it, so that a day's outage costs some twenty tries. */
function holdUntilAnswered(
  failure: JudgeUnavailableError | JudgeMisconfiguredError,
  context: ConcludeContext,
): Concluded {
  const held = hold(failure.message, context);
  const wait = Math.min(Math.max((context.now - held.outcome.heldSince) / 2, shortestWaitMs), longestWaitMs);
  const asked = failure instanceof JudgeUnavailableError ? (failure.retryAfterMs ?? 0) : 0;
  return { ...held, retryAt: context.now + Math.max(wait, asked) };
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
