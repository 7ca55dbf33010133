import type { Assessment, AssessmentError } from '../assessment.ts';
import { type EvaluationOutcome, type EvaluationRequest, endedBy } from '../evaluation.ts';
import { type JudgingEnd, nothingSpent, type Spent } from '../judging/judging-metrics.ts';
import type { Clock } from '../ports.ts';
import type { Rules } from '../rules.ts';
import type { ScorableTrace } from '../scorable-trace.ts';
import { isInline, type Runnable, type Scorer, type ScorerResult } from '../scorer.ts';
import { afterFailure, endOf, endsPause, heldBy, heldSinceBy } from './after-failure.ts';
import type { PauseChange } from './pause-scorer.ts';
import { type Evaluation, identity } from './prepare-evaluations.ts';
import { toAssessments } from './to-assessments.ts';

export interface ConcludeDeps {
  readonly now: Clock;
}

export interface ConcludeContext {
  readonly request: EvaluationRequest;
  /** How often the message has been received, this time included. */
  readonly receives: number;
  readonly rules: Rules;
  readonly trace: ScorableTrace;
  readonly deps: ConcludeDeps;
}

/** What one scorer left behind. */
export interface ConcludedEvaluation extends PauseChange {
  readonly outcome: EvaluationOutcome;
  readonly assessments: readonly Assessment[];
  readonly end: JudgingEnd;
  readonly spent: Spent;
  readonly retryAfterMs?: number;
}

/** The sweep asks for an evaluation again whose message should have come back, but did not. */
const graceMs = 5 * 60_000;

/** What was found, and the outcome that says so. */
export function concludeResults(
  { selected, version, scorer, before }: Evaluation,
  {
    results,
    spent,
    request,
    deps,
  }: ConcludeContext & {
    readonly results: readonly ScorerResult[];
    readonly spent: Spent;
  },
): ConcludedEvaluation {
  const now = deps.now();
  const { backfill } = request;
  return {
    assessments: toAssessments(results, {
      version,
      sourceType: sourceTypeOf(scorer),
      selected,
      traceId: request.traceId,
      ...(backfill && { metadata: { 'assay.backfillId': backfill.id } }),
      now,
    }),
    outcome: {
      ...identity(selected, request),
      finishedAt: now,
      ...endedBy(results),
      ...(backfill && { backfillId: backfill.id, spent: { usd: spent.usd, tokens: spent.tokens } }),
      ...(selected.sampleRate === undefined && { unweighted: true }),
    },
    end: endOf(results),
    spent,
    resumes: endsPause(spent, before),
  };
}

function sourceTypeOf(scorer: Runnable): Scorer['sourceType'] {
  if ('judge' in scorer) return 'LLM_JUDGE';
  return 'unsupported' in scorer ? 'CODE' : scorer.sourceType;
}

/** A scorer that cannot run now is held: it has an outcome that says why, and no assessment. */
export function concludeFailure(
  evaluation: Evaluation,
  context: ConcludeContext & { readonly failure: Error },
): ConcludedEvaluation {
  const { request, receives, deps, rules, trace, failure } = context;
  const { selected, before } = evaluation;
  const now = deps.now();
  const catchesUp = rules.settings.catchUpBudgets;
  const by = heldBy(failure);
  const heldSince = heldSinceBy(by, before);
  const next = afterFailure(failure, { now, heldSince, receives, catchesUp, isInline: isInline(selected) });
  if (next.kind === 'fail') {
    const results = [failed(next.error)];
    return concludeResults(evaluation, { ...context, results, spent: nothingSpent });
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
      request: askedBy(evaluation, request),
    },
    end: { kind: 'held', by },
    spent: nothingSpent,
    pauses: next.kind === 'pause',
    ...(next.kind === 'retry' && { retryAfterMs: next.waitMs }),
  };
}

/** Who asked for it; on demand only where nobody waited for it already. */
function askedBy({ selected, before }: Evaluation, request: EvaluationRequest): EvaluationOutcome['request'] {
  const { experimentId, rulesVersion, backfill, scorers } = request;
  const asked = scorers.find(({ name }) => name === selected.name);
  if (asked?.sampleRate === undefined && before?.request?.sampleRate !== undefined) return before.request;
  const { sampleRate } = selected;
  return { experimentId, rulesVersion, ...(sampleRate !== undefined && { sampleRate }), ...(backfill && { backfill }) };
}

/**
 * Of what one budget held back, and gives free at one time, the newest is asked for first: a second later for each quarter of an hour of
 * age, an hour at most.
 */
function laterMs({ facts }: ScorableTrace, until: number): number {
  return Math.min(3_600_000, Math.max(0, Math.floor((until - facts.requestTime) / 900)));
}

/** An error is never a score. */
export function failed(error: AssessmentError): ScorerResult {
  return { value: null, error };
}
