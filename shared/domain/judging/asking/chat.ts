import type { JsonValue } from '../../span.ts';
import { beginningOf } from '../../whole-characters.ts';
import { estimateTokens } from '../estimate-tokens.ts';
import type {
  JudgeAnswer,
  JudgeMessage,
  JudgeModel,
  JudgeRequest,
  JudgeTool,
  JudgeToolCall,
  JudgeToolResult,
} from '../judge-model.ts';
import type { JudgingLimits } from './limits.ts';
import { type Prompt, promptHash, sealed, sealedMessage } from './prompt.ts';

export interface ChatOptions {
  readonly model: JudgeModel;
  readonly code: () => string;
  readonly limits: JudgingLimits;
  readonly scope: string;
  readonly parameters: Readonly<Record<string, JsonValue>>;
  readonly tools: readonly JudgeTool[];
}

/** Runs a tool on the trace; what goes wrong is its answer. */
export type RunTool = (call: JudgeToolCall) => string;

/** Tool calls in one answer that are run; a model that asks for more is told so. */
const maxCallsAtOnce = 8;
/** Of a useless answer, sent back to the model. */
const maxQuoted = 2_000;

/** What is said between us and the model about one judgement. */
export class Chat {
  private readonly prompt: Prompt;
  private readonly options: ChatOptions;
  private readonly code: string;
  private readonly messages: JudgeMessage[];
  /** What followed the prompt, without what is random in it. */
  private readonly sequel: JsonValue[] = [];
  private maxTokens: number;

  constructor(prompt: Prompt, options: ChatOptions) {
    this.prompt = prompt;
    this.options = options;
    this.code = options.code();
    this.maxTokens = options.limits.answerTokens;
    this.messages = [{ role: 'user', text: sealedMessage(prompt, this.code) }];
  }

  request(): JudgeRequest {
    const { model, scope, parameters, tools } = this.options;
    return {
      hash: promptHash(this.prompt, { model: model.uri, scope, conversation: [...this.sequel, { ...parameters }] }),
      system: this.prompt.system,
      messages: this.fittingMessages(),
      schema: this.prompt.schema,
      maxTokens: this.maxTokens,
      parameters,
      tools,
    };
  }

  /** Sends a useless answer back. One that was cut off may be twice as long. */
  addComplaint({ text, stop }: JudgeAnswer, problem: string): void {
    const quoted = beginningOf(text, maxQuoted) || '(nothing)';
    const isCutOff = stop === 'length';
    if (isCutOff) this.maxTokens *= 2;
    const complaint = isCutOff
      ? 'Your answer was cut off before it ended. Answer again with the JSON object, its rationale in two sentences at most.'
      : `Your answer cannot be used: ${problem}. Answer again with one JSON object of the form that was described, and nothing else.`;
    this.messages.push({ role: 'assistant', text: quoted, toolCalls: [] }, { role: 'user', text: complaint });
    this.sequel.push(quoted, complaint);
  }

  addNotice(text: string): void {
    this.messages.push({ role: 'user', text });
    this.sequel.push(text);
  }

  /** Runs the tools that the model called. What they answer comes from the trace: it stands between delimiters too. */
  addToolResults({ text, toolCalls }: JudgeAnswer, run: RunTool): void {
    const answers = toolCalls.map((call, i) => (i < maxCallsAtOnce ? run(call) : 'error: too many calls at once'));
    const results = toolCalls.map(({ id, name }, i) => ({
      id,
      name,
      text: sealed({ title: 'tool result', text: answers[i] ?? '' }, this.code),
    }));
    this.messages.push({ role: 'assistant', text, toolCalls }, { role: 'tool', results });
    this.sequel.push(text, ...toolCalls.map((call, i) => [call.name, call.arguments, answers[i] ?? '']));
  }

  /** All messages, of which the oldest tool results give way where there is no room: MLflow prunes at the same share of the window. */
  private fittingMessages(): readonly JudgeMessage[] {
    const room = this.options.model.contextTokens * 0.85 - this.maxTokens - estimateTokens(this.prompt.system);
    const sizes = this.messages.map(sizeOf);
    let excess = sizes.reduce((sum, size) => sum + size, 0) - room;
    return this.messages.map((message, i) => {
      if (excess <= 0 || message.role !== 'tool') return message;
      excess -= sizes[i] ?? 0;
      return { ...message, results: message.results.map(dropped) };
    });
  }
}

function dropped({ id, name }: JudgeToolResult): JudgeToolResult {
  return { id, name, text: '(left out for length: call the tool again if you need this)' };
}

function sizeOf(message: JudgeMessage): number {
  switch (message.role) {
    case 'user':
      return estimateTokens(message.text);
    case 'assistant':
      return estimateTokens(message.text + JSON.stringify(message.toolCalls));
    case 'tool':
      return message.results.reduce((sum, { text }) => sum + estimateTokens(text), 0);
  }
}
