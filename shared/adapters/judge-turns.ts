import { isRecord } from '../domain/json-value.ts';
import type { JudgeMessage, JudgeToolCall, JudgeToolResult } from '../domain/judging/judge-model.ts';
import type { JsonValue } from '../domain/span.ts';

/** A conversation as Bedrock and Anthropic want it: users and assistants take turns, and what tools answered is the user's. */
export interface Turn {
  readonly role: 'user' | 'assistant';
  readonly parts: readonly TurnPart[];
}

export type TurnPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'call'; readonly call: JudgeToolCall }
  | { readonly kind: 'result'; readonly result: JudgeToolResult };

/** Joins what one side says in a row, results before text. Blank text, which neither takes, is left out, or named where nothing else is said. */
export function toTurns(messages: readonly JudgeMessage[]): readonly Turn[] {
  const turns: { role: Turn['role']; parts: TurnPart[] }[] = [];
  for (const message of messages) {
    const role = message.role === 'assistant' ? 'assistant' : 'user';
    const last = turns.at(-1);
    if (last?.role === role) last.parts.push(...partsOf(message));
    else turns.push({ role, parts: [...partsOf(message)] });
  }
  return turns.map(({ role, parts }) => ({
    role,
    parts: parts.length > 0 ? parts : [{ kind: 'text', text: '(nothing)' }],
  }));
}

function partsOf(message: JudgeMessage): readonly TurnPart[] {
  if (message.role === 'tool') return message.results.map((result) => ({ kind: 'result', result }));
  const text: readonly TurnPart[] = message.text.trim() === '' ? [] : [{ kind: 'text', text: message.text.trimEnd() }];
  if (message.role === 'user') return text;
  return [...text, ...message.toolCalls.map((call) => ({ kind: 'call', call }) as const)];
}

/** Arguments that are no object, which only a confused model writes, stand in one. */
export function asObject(value: JsonValue): Readonly<Record<string, JsonValue>> {
  return isRecord(value) ? value : { arguments: value };
}
