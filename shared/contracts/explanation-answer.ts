import type { Assessment } from '../domain/assessment.ts';
import type { ScorerExplanation, SessionFate, TraceExplanation } from '../domain/explaining/explanation.ts';
import { say } from '../domain/explaining/say.ts';

/** An explanation as the API gives it: snake_case, times in ISO 8601. */
export function explanationAnswer(explanation: TraceExplanation): object {
  const { traceId, experimentId, completeness, u, decision, scorers } = explanation;
  return {
    trace_id: traceId,
    experiment_id: experimentId,
    completeness,
    sampling_coordinate: u,
    ...(decision && {
      decision: {
        rules_version: decision.rulesVersion,
        decided_at: iso(decision.decidedAt),
        selected: decision.selected,
      },
    }),
    scorers: scorers.map((scorer) => ({
      scorer_name: scorer.name,
      ...(scorer.version !== undefined && { scorer_version: scorer.version }),
      ...(scorer.sampleRate !== undefined && { sample_rate: scorer.sampleRate }),
      ...(scorer.filter !== undefined && { filter_string: scorer.filter }),
      state: stateOf(scorer),
      explanation: say(scorer, explanation),
      ...details(scorer),
      ...('otherwiseNow' in scorer && scorer.otherwiseNow && { state_by_present_facts: stateOf(scorer.otherwiseNow) }),
    })),
  };
}

function stateOf({ kind }: Pick<ScorerExplanation | SessionFate, 'kind'>): string {
  return kind.replaceAll('-', '_');
}

/** What the sentence says, for programs. */
function details(scorer: ScorerExplanation): object {
  switch (scorer.kind) {
    case 'open':
      return {
        spans_here: scorer.spansHere,
        ...(scorer.spansExpected !== undefined && { spans_expected: scorer.spansExpected }),
        ...(scorer.closesAt !== undefined && { closes_at: iso(scorer.closesAt) }),
      };
    case 'not-registered':
      return scorer.registeredAt === undefined ? {} : { registered_at: iso(scorer.registeredAt) };
    case 'evaluation-run':
      return { run_id: scorer.runId };
    case 'not-matched':
      return { clause: scorer.clause };
    case 'paused':
      return { reason: scorer.reason };
    case 'running':
      return { began_at: iso(scorer.finishedAt) };
    case 'session-level':
      return scorer.session === undefined ? {} : { session: sessionAnswer(scorer.session) };
    case 'held': {
      const { reason, finishedAt, until } = scorer;
      return { reason, held_at: iso(finishedAt), ...(until !== undefined && { tried_again_at: iso(until) }) };
    }
    case 'failed':
      return { reason: scorer.reason, finished_at: iso(scorer.finishedAt), assessments: scorer.found.map(found) };
    case 'done':
      return { finished_at: iso(scorer.finishedAt), assessments: scorer.found.map(found) };
    default:
      return {};
  }
}

function sessionAnswer(session: SessionFate): object {
  return {
    session_id: session.sessionId,
    state: stateOf(session),
    ...('u' in session && { sampling_coordinate: session.u }),
    ...('clause' in session && { clause: session.clause }),
    ...('reason' in session && { reason: session.reason }),
    ...('dueAt' in session && session.dueAt !== undefined && { due_at: iso(session.dueAt) }),
    ...('finishedAt' in session && {
      finished_at: iso(session.finishedAt),
      first_trace_id: session.firstTraceId,
      assessment_ids: session.assessmentIds,
    }),
  };
}

function found({ assessmentId, name, value, error }: Assessment): object {
  return {
    assessment_id: assessmentId,
    assessment_name: name,
    ...(error ? { error: { error_code: error.code, error_message: error.message } } : { value }),
  };
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
