import type { Attributes, AttributeValue, Span, SpanEvent } from '../span.ts';
import type { SpanText } from '../span-facts.ts';
import { keys } from './attribute-keys.ts';
import { jsonText, plainText } from './attribute-text.ts';

/** What went into a span. */
export function spanInputs(span: Span): SpanText | undefined {
  return (
    attributeText(span.attributes, keys.inputs) ??
    eventAttributeText(span.events, ['gen_ai.input.messages', 'gen_ai.prompt']) ??
    messageEvents(span.events, isInputEvent) ??
    flattenedList(span.attributes, ['llm.input_messages.', 'gen_ai.prompt.'])
  );
}

/** What came out of it. */
export function spanOutputs(span: Span): SpanText | undefined {
  return (
    attributeText(span.attributes, keys.outputs) ??
    eventAttributeText(span.events, ['gen_ai.output.messages', 'gen_ai.completion']) ??
    messageEvents(span.events, ({ name }) => name === 'gen_ai.choice') ??
    flattenedList(span.attributes, ['retrieval.documents.', 'llm.output_messages.', 'gen_ai.completion.'])
  );
}

function attributeText(attributes: Attributes, names: readonly string[]): SpanText | undefined {
  for (const name of names) {
    const value = attributes[name];
    if (value !== undefined && !isEmpty(value)) return { text: plainText(value), attribute: name };
  }
  return undefined;
}

/** Some instrumentations set what they have no value for to an empty text or object. */
function isEmpty(value: AttributeValue): boolean {
  return value === null || value === '' || value === '{}';
}

function eventAttributeText(events: readonly SpanEvent[], names: readonly string[]): SpanText | undefined {
  for (const { attributes } of events) {
    const found = attributeText(attributes, names);
    if (found) return { text: found.text };
  }
  return undefined;
}

/** The older span events of OTel's GenAI conventions: one event a message. */
function messageEvents(events: readonly SpanEvent[], isWanted: (event: SpanEvent) => boolean): SpanText | undefined {
  const messages = events.filter(isWanted).map(({ name, attributes }) => ({ role: roleOf(name), ...attributes }));
  return messages.length > 0 ? { text: jsonText(messages) } : undefined;
}

const inputEvent = /^gen_ai\.(system|user|assistant|tool)\.message$/;

function isInputEvent({ name }: SpanEvent): boolean {
  return inputEvent.test(name);
}

function roleOf(eventName: string): string {
  return inputEvent.exec(eventName)?.[1] ?? 'assistant';
}

/** Lists that OpenInference and Traceloop spread over attributes: `llm.input_messages.0.message.role` and so on. */
function flattenedList(attributes: Attributes, prefixes: readonly string[]): SpanText | undefined {
  for (const prefix of prefixes) {
    const list = unflatten(attributes, prefix);
    if (list.length > 0) return { text: jsonText(list) };
  }
  return undefined;
}

/** The list behind a prefix, each member an object of what is left of its keys. */
function unflatten(attributes: Attributes, prefix: string): readonly Attributes[] {
  const members = new Map<number, Record<string, AttributeValue>>();
  for (const name in attributes) {
    if (!name.startsWith(prefix)) continue;
    const [index = '', ...path] = name.slice(prefix.length).split('.');
    const position = Number(index);
    if (!Number.isInteger(position)) continue;
    const member = members.get(position) ?? {};
    // `message.role` and `document.content` say by their first word only what the list is of.
    member[
      path.length > 1 && (path[0] === 'message' || path[0] === 'document') ? path.slice(1).join('.') : path.join('.')
    ] = attributes[name] as AttributeValue;
    members.set(position, member);
  }
  return [...members.entries()].toSorted(([a], [b]) => a - b).map(([, member]) => member);
}
