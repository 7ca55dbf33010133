import { decideRule, type ScorerDecision } from './decide-sampling.ts';
import type { EvaluationOutcome, SelectedScorer } from './evaluation.ts';
import type { FilterSubject } from './filter/subject.ts';
import type { Rules } from './rules.ts';
import { samplingCoordinate } from './sampling.ts';

/** A conversation: the traces of an experiment that name the same session. */
export interface SessionRef {
  readonly experimentId: string;
  readonly sessionId: string;
}

/** What is kept of a session that a scorer may select. */
export interface Session extends SessionRef {
  /** When a trace of it was last indexed or settled, epoch ms. */
  readonly lastActivityAt: number;
  /** When it is looked at next, epoch ms; absent once it has been judged up to its last activity. */
  readonly dueAt?: number;
  /** The latest. */
  readonly decision?: SessionDecision;
}

export interface SessionRecord extends Session {
  readonly outcomes: readonly SessionOutcome[];
}

/** A session that has been quiet for its idle time, to be judged as it was after its last activity. */
export interface SessionEvaluationRequest extends SessionRef {
  /** Epoch ms. */
  readonly lastActivityAt: number;
}

/** The sampling decision of a session; made anew when it resumes. */
export interface SessionDecision {
  /** Names the traces that it is about (see `conversationOf`): as long as they stay the same, so does the decision. */
  readonly conversation: string;
  /** The trace that filters are asked about, and that assessments are attached to. */
  readonly firstTraceId: string;
  readonly rulesVersion: number;
  /** Epoch ms. */
  readonly decidedAt: number;
  /** Of the scorers of sessions. */
  readonly scorers: readonly SessionScorerDecision[];
}

export type SessionScorerDecision = Exclude<ScorerDecision, { kind: 'session-level' | 'evaluation-run' }>;

/** What became of one scorer version on one session. */
export interface SessionOutcome
  extends Pick<
    EvaluationOutcome,
    'traceId' | 'scorerName' | 'scorerVersion' | 'finishedAt' | 'reason' | 'heldSince' | 'heldBy'
  > {
  readonly state: 'done' | 'failed' | 'held';
  /** What was judged, or is to be. */
  readonly conversation: string;
  /** Epoch ms; the last activity that it takes into account. */
  readonly lastActivityAt: number;
  /** How many traces were judged, and how many were too many. */
  readonly traces: number;
  readonly tracesLeftOut: number;
  /** Of what it found; they stand at the trace. */
  readonly assessmentIds: readonly string[];
}

/**
 * Decides for every scorer of sessions whether it judges this one. As in MLflow the filter is asked about the first trace, and the session
 * is sampled by its own id: all its traces, or none.
 */
export function decideSession({
  sessionId,
  rules,
  first,
}: {
  sessionId: string;
  rules: Pick<Rules, 'scorers'>;
  first: FilterSubject;
}): readonly SessionScorerDecision[] {
  const u = samplingCoordinate(sessionId);
  return rules.scorers
    .filter(({ level }) => level === 'session')
    .map((rule) => decideRule(rule, { u, subject: first }));
}

export function selectedIn({ scorers }: SessionDecision): readonly SelectedScorer[] {
  return scorers.flatMap((scorer) =>
    scorer.kind === 'selected' ? [{ name: scorer.name, version: scorer.version, sampleRate: scorer.sampleRate }] : [],
  );
}
