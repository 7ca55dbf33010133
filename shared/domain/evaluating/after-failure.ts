import type { AssessmentError } from '../assessment.ts';
import { SandboxUnavailableError } from '../code/run-code.ts';
import type { EvaluationOutcome } from '../evaluation.ts';
import { BudgetExhaustedError, UnpricedModelError } from '../judging/budget.ts';
import { JudgeMisconfiguredError, JudgeUnavailableError } from '../judging/judge-model.ts';
import type { HeldBy, JudgingEnd, Spent } from '../judging/judging-metrics.ts';
import type { ScorerResult } from '../scorer.ts';

/** What becomes of an evaluation whose judge could not be asked. */
export type AfterFailure =
  /** The message comes back soon. */
  | { readonly kind: 'retry'; readonly waitMs: number; readonly reason: string }
  /** It waits longer than a message should; without `until` until somebody changes something. */
  | { readonly kind: 'hold'; readonly until?: number; readonly reason: string }
  /** Nothing of this scorer can be judged until somebody mends something: it pauses, and this evaluation is its probe. */
  | { readonly kind: 'pause'; readonly until: number; readonly reason: string }
  /** It is told as an assessment with an error, which is not a score. */
  | { readonly kind: 'fail'; readonly error: AssessmentError };

export interface FailureContext {
  readonly now: number;
  /** Since when the evaluation has been held, if it has; epoch ms. */
  readonly heldSince?: number | undefined;
  /** How often its message has been received, this time included. */
  readonly receives: number;
  /** Whether what a budget held back is judged when the budget returns. */
  readonly catchesUp: boolean;
  /** The scorer came with a run: it is mended by another run. */
  readonly isInline?: boolean;
}

/** Receives after which waiting is left to the sweep: a message that fails too often goes to the dead letters. */
const maxReceives = 6;
const shortWaitMs = 5_000;
export const longestShortWaitMs = 60_000;
const [longWaitMs, longestWaitMs] = [60_000, 15 * 60_000];
/** A judge that has been down for two days is not waited for any longer. */
const givesUpAfterMs = 48 * 3_600_000;
const [probeMs, longestProbeMs] = [60_000, 3_600_000];

export function endOf(results: readonly ScorerResult[]): JudgingEnd {
  const error = results.find((result) => result.error !== undefined)?.error;
  return error ? { kind: 'failed', code: error.code } : { kind: 'judged' };
}

/** What an evaluation is held by, for who watches. */
export function heldBy(error: Error): HeldBy {
  if (error instanceof BudgetExhaustedError) return 'budget';
  if (error instanceof UnpricedModelError) return 'unpriced';
  if (error instanceof JudgeMisconfiguredError) return 'misconfigured';
  return error instanceof JudgeUnavailableError && error.reason === 'throttled' ? 'throttled' : 'unavailable';
}

/** Since when it has been held by the same; a model that throttles and one that is down are waited for alike. */
export function heldSinceBy(
  by: HeldBy,
  before: Pick<EvaluationOutcome, 'heldSince' | 'heldBy'> | undefined,
): number | undefined {
  const kindOf = (held: HeldBy | undefined) => (held === 'throttled' ? 'unavailable' : held);
  return kindOf(before?.heldBy) === kindOf(by) ? before?.heldSince : undefined;
}

/**
 * Whether an evaluation that has ended says that its scorer's judge can be asked again: it was answered; or nothing is left of the
 * evaluation that the pause was to be ended by, and the next trace has to find out.
 */
export function endsPause(spent: Spent, before: Pick<EvaluationOutcome, 'heldBy'> | undefined): boolean {
  return spent.tokens > 0 || before?.heldBy === 'misconfigured' || before?.heldBy === 'unpriced';
}

/** Waits grow with the time that was waited already: the 40th attempt is as far from the 39th as everything before was long, up to a bound. */
export function afterFailure(error: Error, context: FailureContext): AfterFailure {
  if (error instanceof JudgeMisconfiguredError || error instanceof UnpricedModelError) {
    if (context.isInline) return { kind: 'fail', error: { code: 'JUDGE_MISCONFIGURED', message: error.message } };
    return { kind: 'pause', until: context.now + grown(context, probeMs, longestProbeMs), reason: error.message };
  }
  if (error instanceof BudgetExhaustedError) return afterBudget(error, context);
  if (error instanceof JudgeUnavailableError || error instanceof SandboxUnavailableError)
    return afterUnavailable(error, context);
  return { kind: 'fail', error: { code: 'SCORER_ERROR', message: error.message } };
}

/** What a budget held back is caught up when it returns, where the experiment asks for it. What calls under way have reserved comes back at once. */
function afterBudget({ reason, until, message }: BudgetExhaustedError, { catchesUp }: FailureContext): AfterFailure {
  return { kind: 'hold', ...((catchesUp || reason === 'reserved') && { until }), reason: message };
}

function afterUnavailable(
  error: JudgeUnavailableError | SandboxUnavailableError,
  context: FailureContext,
): AfterFailure {
  const { now, heldSince, receives } = context;
  if (heldSince !== undefined && now - heldSince > givesUpAfterMs) {
    const code = error instanceof JudgeUnavailableError ? 'JUDGE_UNAVAILABLE' : 'SANDBOX_UNAVAILABLE';
    return { kind: 'fail', error: { code, message: `for two days: ${error.message}` } };
  }
  const asked = ('retryAfterMs' in error ? error.retryAfterMs : undefined) ?? 0;
  // One that the sweep asked for again has waited long: it is not hammered.
  const isFresh = now - (heldSince ?? now) < 2 * longestShortWaitMs;
  if (isFresh && receives <= maxReceives && asked <= longestShortWaitMs) {
    const waitMs = Math.min(longestShortWaitMs, Math.max(asked, shortWaitMs * 2 ** (receives - 1)));
    return { kind: 'retry', waitMs, reason: error.message };
  }
  const waitMs = Math.max(asked, grown(context, longWaitMs, longestWaitMs));
  return { kind: 'hold', until: now + waitMs, reason: error.message };
}

function grown({ now, heldSince = now }: FailureContext, least: number, most: number): number {
  return Math.min(most, Math.max(least, now - heldSince));
}
