import {
  type Attributes,
  type Context,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { ChatCompletion, ChatMessage } from './model-client.ts';
import type { ToolCall } from './tools.ts';

// Attributes of OpenTelemetry's conventions for generative AI: agent, inference, retrieval and tool spans, messages as JSON text
// (github.com/open-telemetry/semantic-conventions-genai).

/** No known provider: the model is a script, and the spans do not pretend otherwise. */
const provider = 'scripted';

export function agentAttributes(turn: { sessionId: string; userId: string; question: string }): Attributes {
  return {
    'gen_ai.operation.name': 'invoke_agent',
    'gen_ai.provider.name': provider,
    'gen_ai.agent.name': 'support-agent',
    'gen_ai.conversation.id': turn.sessionId,
    'user.id': turn.userId,
    'gen_ai.input.messages': messagesText([{ role: 'user', content: turn.question }]),
  };
}

export function answerAttributes(answer: string): Attributes {
  return { 'gen_ai.output.messages': messagesText([{ role: 'assistant', content: answer }]) };
}

export function retrievalAttributes(query: string): Attributes {
  return {
    'gen_ai.operation.name': 'retrieval',
    'gen_ai.data_source.id': 'help-centre',
    'gen_ai.retrieval.query.text': query,
  };
}

export function documentsAttributes(
  found: readonly { article: { id: string; text: string }; score: number }[],
): Attributes {
  const documents = found.map(({ article: { id, text }, score }) => ({ id, score, content: text }));
  return { 'gen_ai.retrieval.documents': JSON.stringify(documents) };
}

export function chatAttributes(model: string, messages: readonly ChatMessage[]): Attributes {
  return {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': provider,
    'gen_ai.request.model': model,
    'gen_ai.input.messages': messagesText(messages),
  };
}

export function completionAttributes({ id, model, choices, usage }: ChatCompletion): Attributes {
  return {
    'gen_ai.response.id': id,
    'gen_ai.response.model': model,
    'gen_ai.response.finish_reasons': choices.map(({ finish_reason }) => finish_reason),
    'gen_ai.usage.input_tokens': usage.prompt_tokens,
    'gen_ai.usage.output_tokens': usage.completion_tokens,
    'gen_ai.output.messages': messagesText(choices.map(({ message }) => message)),
  };
}

export function toolAttributes({ id, name, arguments: args }: ToolCall): Attributes {
  return {
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': name,
    'gen_ai.tool.type': 'function',
    'gen_ai.tool.call.id': id,
    'gen_ai.tool.call.arguments': JSON.stringify(args),
  };
}

export function toolResultAttributes(result: unknown): Attributes {
  return { 'gen_ai.tool.call.result': JSON.stringify(result) };
}

function messagesText(messages: readonly ChatMessage[]): string {
  return JSON.stringify(messages.map((message) => ({ role: message.role, parts: partsOf(message) })));
}

function partsOf(message: ChatMessage): readonly unknown[] {
  if (message.role === 'tool')
    return [{ type: 'tool_call_response', id: message.tool_call_id, result: message.content }];
  const text = message.content === null ? [] : [{ type: 'text', content: message.content }];
  const calls = message.role === 'assistant' ? (message.tool_calls ?? []) : [];
  return [
    ...text,
    ...calls.map(({ id, function: { name, arguments: args } }) => ({ type: 'tool_call', id, name, arguments: args })),
  ];
}

/** Runs a step as a span under `parent`. What it throws is recorded, marks the span as failed, and goes on upwards. */
export async function inSpan<T>(
  tracer: Tracer,
  {
    name,
    kind = SpanKind.INTERNAL,
    attributes,
    parent,
  }: { name: string; kind?: SpanKind; attributes: Attributes; parent: Context },
  run: (span: Span, context: Context) => Promise<T>,
): Promise<T> {
  const span = tracer.startSpan(name, { kind, attributes }, parent);
  try {
    return await run(span, trace.setSpan(parent, span));
  } catch (error) {
    markFailed(span, error as Error);
    throw error;
  } finally {
    span.end();
  }
}

function markFailed(span: Span, error: Error): void {
  span.recordException(error);
  span.setAttribute('error.type', error.name);
  span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
}
