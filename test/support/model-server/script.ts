import type { JsonValue } from '../../../shared/domain/span.ts';

/** A request to a model, told alike whichever API it came over. */
export interface Asked {
  readonly provider: 'bedrock' | 'openai' | 'anthropic';
  readonly model: string;
  /** As it was sent; empty where none was. */
  readonly key: string;
  readonly system: string;
  /** What users said last, tool results included. */
  readonly text: string;
  /** What the answer must fit, from structured output or from the tool that has to be called. */
  readonly schema: JsonValue | undefined;
  /** The tool by which the answer is to come. */
  readonly answerTool: string | undefined;
  readonly tools: readonly string[];
  /** How many tools have answered so far. */
  readonly toolResults: number;
  readonly maxTokens: number | undefined;
  /** From 1, over all requests. */
  readonly count: number;
  readonly body: Readonly<Record<string, JsonValue>>;
}

/** What the model does with a request. */
export interface Scripted {
  /** Answered as JSON, in whatever form was asked for. What is left out of everything: a verdict that fits the schema. */
  readonly verdict?: JsonValue;
  /** Answered as it is, whatever was asked for. */
  readonly text?: string;
  readonly toolCalls?: readonly { readonly name: string; readonly arguments: JsonValue }[];
  /** The answer ends in its middle, as at the bound of tokens. */
  readonly isCutOff?: boolean;
  /** The model, or its filter, says no. */
  readonly isRefused?: boolean;
  readonly fails?: {
    readonly status: number;
    /** The provider's name for it; one that goes with the status where it is left out. */
    readonly code?: string;
    readonly message?: string;
    readonly headers?: Readonly<Record<string, string>>;
  };
  readonly delayMs?: number;
  /** The reply itself is damaged: its JSON ends in its middle, or its connection breaks. */
  readonly damage?: 'truncated' | 'hung-up';
  readonly usage?: Usage;
}

interface Usage {
  /** What was cached not included. */
  readonly input: number;
  readonly output: number;
  readonly cacheRead?: number;
  readonly cacheWrite?: number;
}

export type Script = (asked: Asked) => Scripted | Promise<Scripted>;

/** The answer before a provider puts it in its shape. */
export interface Answer {
  readonly text: string;
  readonly toolCalls: readonly { readonly name: string; readonly arguments: JsonValue }[];
  readonly stop: 'end' | 'length' | 'refused';
  readonly usage: Usage;
}

export function toAnswer(asked: Asked, scripted: Scripted): Answer {
  const { verdict = verdictFor(asked.schema), text, isCutOff, isRefused } = scripted;
  const byTool = asked.answerTool !== undefined && text === undefined && !isRefused && !isCutOff && !scripted.toolCalls;
  const toolCalls = byTool ? [{ name: asked.answerTool ?? '', arguments: verdict }] : (scripted.toolCalls ?? []);
  const whole = isRefused ? "I can't help with that." : (text ?? (toolCalls.length > 0 ? '' : JSON.stringify(verdict)));
  const said = isCutOff ? whole.slice(0, Math.ceil(whole.length / 2)) : whole;
  return {
    text: said,
    toolCalls,
    stop: isRefused ? 'refused' : isCutOff ? 'length' : 'end',
    usage: scripted.usage ?? { input: tokens(asked.body), output: tokens([said, toolCalls]) },
  };
}

/** Four characters a token, the usual rule of thumb for English. */
function tokens(value: unknown): number {
  return Math.ceil(JSON.stringify(value).length / 4);
}

interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly JsonValue[];
  readonly const?: JsonValue;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
}

/** Something that fits a schema: the first of what may be chosen, 1, true, a text. */
export function verdictFor(schema: JsonValue | undefined): JsonValue {
  const { type = 'string', enum: choices, const: only, anyOf, properties = {} } = (schema ?? {}) as Schema;
  if (only !== undefined) return only;
  if (choices) return choices[0] ?? null;
  if (anyOf) return verdictFor(anyOf[0] as JsonValue);
  switch ([type].flat()[0]) {
    case 'object':
      return Object.fromEntries(
        Object.entries(properties).map(([name, member]) => [name, verdictFor(member as JsonValue)]),
      );
    case 'array':
      return [];
    case 'boolean':
      return true;
    case 'number':
    case 'integer':
      return 1;
    default:
      return schema === undefined ? 'yes' : 'as scripted';
  }
}
