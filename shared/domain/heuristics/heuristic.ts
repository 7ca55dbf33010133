import type { ScorableTrace } from '../scorable-trace.ts';
import type { ScorerResult } from '../scorer.ts';

/** Judges a trace without a model: the same trace gives the same result. */
export type Heuristic = (trace: ScorableTrace) => ScorerResult;

/** Why a heuristic cannot judge a trace. */
export type HeuristicErrorCode =
  | 'NO_INPUTS'
  | 'NO_OUTPUTS'
  | 'NO_EXPECTATION'
  | 'NO_TOKENS'
  | 'NO_COST'
  | 'NO_TOOL_CALLS'
  | 'TRACE_INCOMPLETE';

/** MLflow's rating: `yes` passes. */
export function verdict(passes: boolean, rationale: string): ScorerResult {
  return { value: passes ? 'yes' : 'no', rationale };
}

export function measure(value: number, rationale: string): ScorerResult {
  return { value, rationale };
}

/** A trace that lacks what the heuristic looks at gets an error, never a score. */
export function cannotJudge(code: HeuristicErrorCode, message: string): ScorerResult {
  return { value: null, error: { code, message } };
}

export function noOutputs(): ScorerResult {
  return cannotJudge('NO_OUTPUTS', 'the root span has no outputs to judge');
}

/** `1 word`, `2,000 words`. */
export function counted(count: number, unit: string): string {
  return `${count.toLocaleString('en-US')} ${unit}${count === 1 ? '' : 's'}`;
}

/** Someone else's text inside a rationale: on one line, and short. */
export function excerpt(text: string, maxLength = 80): string {
  const line = text
    .slice(0, maxLength * 4)
    .replace(/\s+/g, ' ')
    .trim();
  return line.length > maxLength ? `${line.slice(0, maxLength)}…` : line;
}
