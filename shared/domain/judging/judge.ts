import type { ScorableTrace } from '../scorable-trace.ts';
import type { ScorerResult } from '../scorer.ts';
import type { JsonValue } from '../span.ts';
import type { Decision } from './answer/read-verdict.ts';
import type { ResultType } from './answer/result-type.ts';
import type { Omission, Section } from './material.ts';

/** Judges a trace, or a session, with the help of a model. It says what to ask; asking is done by whoever runs it. */
export interface Judge {
  readonly name: string;
  readonly level: 'trace' | 'session';
  /** The model URI with which it was registered; without one the experiment's default. */
  readonly model?: string;
  /** What to ask about these traces: one, or those of a session in the order of time. */
  plan(traces: readonly ScorableTrace[]): JudgePlan | Promise<JudgePlan>;
}

export interface JudgePlan {
  readonly questions: readonly Question[];
  /** What follows from the verdicts, one for each question. */
  conclude(verdicts: readonly Verdict[]): readonly Conclusion[];
}

/** One judgement to ask a model for. */
export interface Question {
  /** What it decides, in words for the model: criteria, and when the result is which. */
  readonly task: string;
  /** What it decides on, the most important first. */
  readonly material: readonly Section[];
  readonly resultType: ResultType;
  /** The reasons come before the result, which then follows from them. */
  readonly rationaleFirst: boolean;
  readonly model?: string;
  /** Of the scorer, for the provider: temperature and such. */
  readonly parameters?: Readonly<Record<string, JsonValue>>;
  /** The trace that the model may look into by tools. */
  readonly explore?: ScorableTrace;
}

/** What came of a question. */
export type Verdict = { readonly record: JudgementRecord } & (
  | { readonly decision: Decision }
  | { readonly error: JudgeError; readonly evidence?: string }
);

/** Why there is no decision. None of these is a score. */
export interface JudgeError {
  readonly code: JudgeErrorCode;
  readonly message: string;
}

export type JudgeErrorCode =
  // The trace lacks what the judge looks at.
  | 'NO_INPUTS'
  | 'NO_OUTPUTS'
  | 'NO_EXPECTATION'
  | 'INVALID_EXPECTATION'
  | 'NO_RETRIEVAL'
  | 'NO_CONVERSATION'
  // The model did not decide.
  | 'JUDGE_ANSWER_INVALID'
  | 'JUDGE_ANSWER_CUT_OFF'
  | 'JUDGE_REFUSED'
  | 'JUDGE_CONTEXT_TOO_LONG'
  | 'JUDGE_REQUEST_REJECTED'
  | 'JUDGE_TIMEOUT'
  | 'JUDGE_TOO_MANY_STEPS'
  // What is put together of several verdicts lacks one.
  | 'INCOMPLETE';

/** How a question was asked. */
export interface JudgementRecord {
  /** What answered. */
  readonly model: string;
  readonly promptHash: string;
  /** Calls of the model; of those taken from a cache, `cachedCalls`. */
  readonly calls: number;
  readonly cachedCalls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  readonly durationMs: number;
  readonly omissions: readonly Omission[];
  /** Questions that were asked in the same call, this one included. */
  readonly combinedWith: number;
}

/** A result, and which verdicts it was paid with. */
export interface Conclusion extends ScorerResult {
  /** Positions of the verdicts whose calls count as this result's; none for what is computed. */
  readonly from: readonly number[];
  /** Decided without a model. */
  readonly isComputed?: boolean;
}

/** A plan for what needs no model, or cannot be judged. */
export function settled(...results: readonly ScorerResult[]): JudgePlan {
  return { questions: [], conclude: () => results.map((result) => ({ ...result, from: [], isComputed: true })) };
}

export function cannotJudge(code: JudgeErrorCode, message: string): JudgePlan {
  return settled({ value: null, error: { code, message } });
}

/** A plan of one question whose verdict is the result. */
export function oneQuestion(question: Question, about: Partial<ScorerResult> = {}): JudgePlan {
  return {
    questions: [question],
    conclude: (verdicts) => verdicts.map((verdict, i) => ({ ...resultOf(verdict, about), from: [i] })),
  };
}

/** A verdict as a result; one without decision is an error with what the model wrote instead. */
export function resultOf(verdict: Verdict, about: Partial<ScorerResult> = {}): ScorerResult {
  if ('error' in verdict) {
    const evidence = verdict.evidence && { 'assay.judgeAnswer': verdict.evidence };
    return { ...about, value: null, error: verdict.error, metadata: { ...about.metadata, ...evidence } };
  }
  return { ...about, ...verdict.decision };
}
