import { isList, isRecord, type JsonRecord, onlyText } from '../json-value.ts';
import type { JsonValue } from '../span.ts';

/**
 * The text of a response: what a person would read of it. Follows MLflow's `parse_outputs_to_str` (mlflow/genai/utils/trace_utils.py)
 * for chat completions, message lists and the Responses API, and takes OpenTelemetry's message parts, a list of one, and an object
 * with one text in it as well. What is none of these is its JSON text. Undefined where there is no response.
 */
export function responseText(outputs: JsonValue | undefined): string | undefined {
  if (outputs === undefined || outputs === null) return undefined;
  return messageText(outputs) ?? JSON.stringify(outputs);
}

/** The response as JSON: the value that came, unless it only wraps a text. */
export function responseJson(outputs: JsonValue): { readonly text: string } | { readonly value: JsonValue } {
  const text = isRecord(outputs) && isWrapper(outputs) ? undefined : messageText(outputs);
  return text === undefined ? { value: outputs } : { text };
}

/** Every text and number in a value, a line each, with the key before it: what may hide anywhere in it, and what says what it is. */
export function allText(value: JsonValue | undefined): string {
  const lines: string[] = [];
  const pending: { label: string; value: JsonValue | undefined }[] = [{ label: '', value }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { label, value } = next;
    if (typeof value === 'string' || typeof value === 'number') lines.push(`${label}${value}`);
    else if (isList(value)) pending.push(...value.map((item) => ({ label, value: item })).toReversed());
    else if (isRecord(value))
      pending.push(
        ...Object.entries(value)
          .map(([key, item]) => ({ label: `${key}: `, value: item }))
          .toReversed(),
      );
  }
  return lines.join('\n');
}

function messageText(value: JsonValue): string | undefined {
  if (typeof value === 'string') return value;
  if (isList(value)) return listText(value);
  if (!isRecord(value)) return undefined;
  const { choices, candidates, messages, output } = value;
  if (isList(choices) && isRecord(choices[0])) return contentText(choices[0].message);
  if (isList(candidates)) return contentText(candidates[0]);
  if (isList(messages)) return lastText(messages);
  if (isList(output)) return lastText(output);
  return contentText(value) ?? onlyText(value);
}

function listText(list: readonly JsonValue[]): string | undefined {
  const [only] = list;
  if (list.length === 1 && only !== undefined) return messageText(only);
  return list.length > 0 && list.every((item) => isRecord(item) && 'role' in item) ? lastText(list) : undefined;
}

function lastText(messages: readonly JsonValue[]): string | undefined {
  for (const message of messages.toReversed()) {
    const text = contentText(message);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** The text of one message: `content` as text or parts (OpenAI, Anthropic), `parts` (OpenTelemetry GenAI), or parts in `content` (Gemini). */
function contentText(message: JsonValue | undefined): string | undefined {
  if (!isRecord(message)) return undefined;
  const { content, parts, role, type } = message;
  if (typeof content === 'string' && (role !== undefined || type !== undefined)) return content;
  if (isRecord(content) && isList(content.parts)) return contentText(content);
  const texts = [content, parts]
    .flatMap((list) => (isList(list) ? list.map(partText) : []))
    .filter((text) => text !== undefined);
  return texts.length > 0 ? texts.join('\n') : undefined;
}

/** Gemini's parts have no type; those that are thoughts say so. */
const textTypes: ReadonlySet<JsonValue | undefined> = new Set(['text', 'output_text', undefined]);

function partText(part: JsonValue): string | undefined {
  if (typeof part === 'string') return part;
  if (!isRecord(part) || part.thought === true || !textTypes.has(part.type)) return undefined;
  const text = part.text ?? part.content;
  return typeof text === 'string' ? text : undefined;
}

/** An object that merely happens to hold one text is JSON in its own right. */
function isWrapper(value: JsonRecord): boolean {
  return contentText(value) === undefined && onlyText(value) !== undefined;
}
