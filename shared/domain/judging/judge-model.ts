import type { JsonValue } from '../span.ts';

/** A model that judges. One adapter a provider; what wraps it (cache, budget, breaker) is one too. */
export interface JudgeModel {
  /** What answers, as a score names it: `bedrock:/us.anthropic.claude-haiku-4-5-20251001-v1:0`. */
  readonly uri: string;
  /** Tokens of prompt and answer together that the model takes. */
  readonly contextTokens: number;
  /** What an answer may take beyond the bound of its request: the model thinks before it. */
  readonly thinkingTokens?: number;
  /** @throws JudgeUnavailableError, JudgeMisconfiguredError, JudgeRejectedError, ContextTooLongError, JudgeTimeoutError, JudgeOutOfTimeError */
  complete(request: JudgeRequest): Promise<JudgeAnswer>;
}

/** Finds the model that a scorer's model URI means in its experiment. */
export interface JudgeModels {
  /**
   * Without a URI the experiment's default.
   * @throws JudgeMisconfiguredError
   */
  resolve(uri: string | undefined): Promise<JudgeModel>;
}

export interface JudgeRequest {
  /**
   * 64 hex digits: the same for the same prompt, model and scorer version, though the delimiters in the text differ from call to call. The
   * key under which an answer may be reused.
   */
  readonly hash: string;
  /** The same for all traces of a scorer, so that a provider may cache it. */
  readonly system: string;
  readonly messages: readonly JudgeMessage[];
  /** What the answer has to fit, within the subset that providers take for structured output. */
  readonly schema: JsonSchemaObject;
  readonly maxTokens: number;
  /** Of the scorer: `temperature`, `top_p` and whatever else the provider knows. */
  readonly parameters: Readonly<Record<string, JsonValue>>;
  /** Tools that the model may call instead of answering. */
  readonly tools: readonly JudgeTool[];
  /** When whoever asks needs the answer, epoch ms; absent: the model has its usual time. */
  readonly until?: number | undefined;
  /** With less time left it is not asked; absent: the usual. */
  readonly leastToBeginMs?: number | undefined;
}

export type JudgeMessage =
  | { readonly role: 'user'; readonly text: string }
  | { readonly role: 'assistant'; readonly text: string; readonly toolCalls: readonly JudgeToolCall[] }
  | { readonly role: 'tool'; readonly results: readonly JudgeToolResult[] };

export interface JudgeTool {
  readonly name: string;
  readonly description: string;
  readonly parameters: JsonSchemaObject;
}

export interface JudgeToolCall {
  readonly id: string;
  readonly name: string;
  /** As the model wrote them, parsed; text where they are no JSON. */
  readonly arguments: JsonValue;
}

export interface JudgeToolResult {
  readonly id: string;
  readonly name: string;
  readonly text: string;
}

export interface JudgeAnswer {
  /** The JSON that the schema asks for, or whatever the model wrote instead. */
  readonly text: string;
  readonly toolCalls: readonly JudgeToolCall[];
  /** `length`: cut off at maxTokens. `refused`: the model or a filter of its provider did not answer. */
  readonly stop: 'end' | 'length' | 'refused';
  readonly usage: JudgeUsage;
  /** The answer was there already and cost nothing now. */
  readonly cached?: boolean;
}

interface JudgeUsage {
  /** All tokens of the prompt, those read from or written to a cache included. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens?: number;
  readonly cacheWriteTokens?: number;
}

export interface JsonSchemaObject {
  readonly type: 'object';
  readonly [key: string]: JsonValue;
}

/** How far a failed call came: never sent, refused by the provider, or begun: then it may be billed. */
type CallStage = 'not-made' | 'refused' | 'begun';

/** Throttled or down: nothing is wrong with the trace or the scorer, it is tried again later. */
export class JudgeUnavailableError extends Error {
  override readonly name = 'JudgeUnavailableError';
  readonly reason: 'throttled' | 'unavailable';
  /** As the provider asks; absent where it does not say. */
  readonly retryAfterMs: number | undefined;
  readonly call: CallStage;

  constructor(
    message: string,
    options: {
      reason: 'throttled' | 'unavailable';
      retryAfterMs?: number | undefined;
      call?: CallStage;
      cause?: unknown;
    },
  ) {
    super(message, { cause: options.cause });
    this.reason = options.reason;
    this.retryAfterMs = options.retryAfterMs;
    this.call = options.call ?? 'refused';
  }
}

/** No trace can be judged until someone changes something: the scorer is paused with this reason. */
export class JudgeMisconfiguredError extends Error {
  override readonly name = 'JudgeMisconfiguredError';
  readonly reason: 'credentials' | 'unknown-model' | 'exhausted-account' | 'rejected-request';
  readonly call: CallStage;

  constructor(
    message: string,
    options: { reason: JudgeMisconfiguredError['reason']; call?: 'not-made' | 'refused'; cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.reason = options.reason;
    this.call = options.call ?? 'refused';
  }
}

/**
 * The provider refuses this request and does not say anything that holds for others: perhaps it is something in this trace. It is told in its
 * words, and no other trace waits for it.
 */
export class JudgeRejectedError extends Error {
  override readonly name = 'JudgeRejectedError';
}

/** The model takes fewer tokens than the prompt has. */
export class ContextTooLongError extends Error {
  override readonly name = 'ContextTooLongError';
}

/** The model did not answer in time. */
export class JudgeTimeoutError extends Error {
  override readonly name = 'JudgeTimeoutError';
}

/** The time of whoever asked is over, before that of the model was: it says nothing against the model. */
export class JudgeOutOfTimeError extends Error {
  override readonly name = 'JudgeOutOfTimeError';
  /** When the call began, or would have; epoch ms. */
  readonly beganAt: number;

  constructor(message: string, { beganAt }: { beganAt: number }) {
    super(message);
    this.beganAt = beganAt;
  }
}
