import { compactJson, isList, isRecord, type JsonRecord } from '../../json-value.ts';
import type { JsonValue } from '../../span.ts';

/** One thing that was said, called or answered. */
export type Utterance =
  | { readonly kind: 'text'; readonly role: string; readonly text: string }
  | { readonly kind: 'call'; readonly name: string; readonly arguments: string }
  | { readonly kind: 'result'; readonly text: string };

/**
 * The messages in a value, if it is or holds a list of them, or is a response with some: chat completions, Anthropic's blocks, OpenTelemetry's parts,
 * Gemini's contents, the Responses API's items, and the members that OpenInference and Traceloop flatten. Undefined where it holds none.
 */
export function utterancesOf(value: JsonValue | undefined): readonly Utterance[] | undefined {
  const list = messageList(value);
  return list?.flatMap((message) => messageUtterances(message));
}

/** Keys under which requests and states hold their messages. */
const listKeys = ['messages', 'contents', 'input', 'output', 'chat_history', 'history', 'choices', 'candidates'];

function messageList(value: JsonValue | undefined): readonly JsonValue[] | undefined {
  if (isList(value)) {
    // LangChain's batches are lists of lists of messages.
    if (value.length === 1 && isList(value[0])) return messageList(value[0]);
    return value.some(isMessage) && value.every(isItem) ? value : undefined;
  }
  if (!isRecord(value)) return undefined;
  if (isMessage(value)) return [value];
  for (const key of listKeys) {
    const list = messageList(value[key]);
    if (list) return withSystem(value, list);
  }
  return undefined;
}

/** The system prompt stands beside the messages in some requests. */
function withSystem(request: JsonRecord, list: readonly JsonValue[]): readonly JsonValue[] {
  const config = isRecord(request.config) ? request.config : {};
  const system = request.system ?? request.instructions ?? request.system_instruction ?? config.system_instruction;
  if (system === undefined || system === null || system === '') return list;
  return [{ role: 'system', content: system }, ...list];
}

const itemTypes: ReadonlySet<JsonValue | undefined> = new Set([
  'message',
  'function_call',
  'function_call_output',
  'human',
  'ai',
  'system',
  'tool',
]);

function isMessage(value: JsonValue): boolean {
  if (!isRecord(value)) return false;
  if (isRecord(value.message)) return isMessage(value.message);
  if (typeof value.role === 'string') return 'content' in value || 'parts' in value || hasCalls(value);
  if (isRecord(value.content) && 'parts' in value.content) return true;
  return itemTypes.has(value.type) && ('content' in value || 'arguments' in value || 'output' in value);
}

/** What may stand beside messages in a list of them: a thought, a call of the provider's own search. */
function isItem(value: JsonValue): boolean {
  return isRecord(value) && (isMessage(value) || typeof value.type === 'string');
}

function hasCalls(message: JsonRecord): boolean {
  return Object.keys(message).some((key) => key.startsWith('tool_calls') || key === 'function_call');
}

function messageUtterances(message: JsonValue): readonly Utterance[] {
  if (!isRecord(message)) return [];
  if (isRecord(message.message)) return messageUtterances(message.message);
  if (message.role === undefined && isRecord(message.content)) return messageUtterances(message.content);
  const own = partUtterances(message, 'assistant');
  if (own) return own;
  const role = roleOf(message);
  const said = [message.content, message.parts].flatMap((content) => contentUtterances(content, role));
  return [...said, ...callsOf(message)];
}

const roles: Readonly<Record<string, string>> = {
  model: 'assistant',
  ai: 'assistant',
  human: 'user',
  developer: 'system',
  function: 'tool',
};

function roleOf({ role, type }: JsonRecord): string {
  const name = typeof role === 'string' ? role.toLowerCase() : typeof type === 'string' ? type : 'message';
  return roles[name] ?? name;
}

function contentUtterances(content: JsonValue | undefined, role: string): readonly Utterance[] {
  if (content === undefined || content === null || content === '') return [];
  if (isList(content)) return content.flatMap((part) => contentUtterances(part, role));
  if (isRecord(content)) {
    if (isList(content.parts)) return contentUtterances(content.parts, role);
    return partUtterances(content, role) ?? [said(role, JSON.stringify(content))];
  }
  return [said(role, String(content))];
}

function said(role: string, text: string): Utterance {
  return role === 'tool' ? { kind: 'result', text: compactJson(text) } : { kind: 'text', role, text };
}

/** A part of a message that is a text, a tool call or its result; undefined for anything else. */
function partUtterances(part: JsonRecord, role: string): readonly Utterance[] | undefined {
  const { type } = part;
  const call = part.functionCall ?? part.function_call ?? part.toolUse;
  if (isRecord(call) && typeof call.name === 'string')
    return [aCall(call.name, call.args ?? call.arguments ?? call.input)];
  const answer = part.functionResponse ?? part.function_response ?? part.toolResult;
  if (isRecord(answer)) return [aResult(answer.response ?? answer.content)];
  if ((type === 'tool_call' || type === 'tool_use' || type === 'function_call') && typeof part.name === 'string')
    return [aCall(part.name, part.arguments ?? part.input ?? part.args)];
  if (type === 'tool_call_response' || type === 'tool_result' || type === 'function_call_output')
    return [aResult(part.response ?? part.result ?? part.content ?? part.output)];
  // What a model thought is not what it said, and signatures and pictures are no text.
  if (part.thought === true || type === 'thinking' || type === 'reasoning' || type === 'redacted_thinking') return [];
  if (type === 'image_url' || type === 'image' || type === 'input_image' || type === 'blob' || type === 'input_audio')
    return [said(role, `(${String(type)})`)];
  const text = part.text ?? (type === 'text' ? part.content : undefined);
  return typeof text === 'string' ? [said(role, text)] : undefined;
}

/** `tool_calls` as OpenAI has them, or flattened to `tool_calls.0.tool_call.function.name`. */
function callsOf(message: JsonRecord): readonly Utterance[] {
  if (isList(message.tool_calls)) return message.tool_calls.flatMap(callOf);
  if (isRecord(message.function_call)) return callOf({ function: message.function_call });
  const flattened: Utterance[] = [];
  for (let i = 0; ; i++) {
    const name = message[`tool_calls.${i}.tool_call.function.name`] ?? message[`tool_calls.${i}.name`];
    if (typeof name !== 'string') return flattened;
    flattened.push(
      aCall(name, message[`tool_calls.${i}.tool_call.function.arguments`] ?? message[`tool_calls.${i}.arguments`]),
    );
  }
}

function callOf(call: JsonValue): readonly Utterance[] {
  if (!isRecord(call)) return [];
  const inner = isRecord(call.function) ? call.function : call;
  return typeof inner.name === 'string' ? [aCall(inner.name, inner.arguments ?? inner.args ?? inner.input)] : [];
}

function aCall(name: string, given: JsonValue | undefined): Utterance {
  return { kind: 'call', name, arguments: compact(given) };
}

function aResult(value: JsonValue | undefined): Utterance {
  if (isList(value) && value.every((part) => isRecord(part) && typeof part.text === 'string'))
    return { kind: 'result', text: value.map((part) => String((part as JsonRecord).text)).join('\n') };
  return { kind: 'result', text: compact(value) };
}

/** Arguments that differ in their spacing only are the same. */
function compact(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? compactJson(value) : JSON.stringify(value);
}
