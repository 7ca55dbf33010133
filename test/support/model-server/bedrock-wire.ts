import type { JsonValue } from '../../../shared/domain/span.ts';
import { schemaProblems } from './check-schema.ts';
import { converseProblems } from './converse-shape.ts';
import type { Answer } from './script.ts';
import type { Wire } from './wire.ts';

interface Block {
  readonly text?: string;
  readonly toolUse?: { readonly toolUseId: string };
  readonly toolResult?: { readonly toolUseId: string; readonly content: readonly { text?: string }[] };
}

interface Converse {
  readonly system?: readonly { text?: string }[];
  readonly messages?: readonly { role: string; content: readonly Block[] }[];
  readonly inferenceConfig?: { readonly maxTokens?: number };
  readonly toolConfig?: {
    readonly tools: readonly { toolSpec?: { name: string; inputSchema: { json: JsonValue } } }[];
    readonly toolChoice?: { readonly any?: object; readonly tool?: { readonly name: string } };
  };
  readonly outputConfig?: {
    readonly textFormat?: { readonly structure: { readonly jsonSchema: { readonly schema: string } } };
  };
}

const codes: Readonly<Record<number, string>> = {
  400: 'ValidationException',
  403: 'AccessDeniedException',
  404: 'ResourceNotFoundException',
  408: 'ModelTimeoutException',
  424: 'ModelErrorException',
  429: 'ThrottlingException',
  500: 'InternalServerException',
  503: 'ServiceUnavailableException',
};

const stops = { end: 'end_turn', length: 'max_tokens', refused: 'content_filtered' } as const;

/** Bedrock's Converse. Source: Amazon Bedrock API reference, "Converse". */
export const bedrockWire: Wire = {
  provider: 'bedrock',
  model: (path) => {
    const id = /^\/model\/(.+)\/converse$/.exec(path)?.[1];
    return id === undefined ? undefined : decodeURIComponent(id);
  },
  problems: (body) => {
    const misshapen = converseProblems(body);
    return misshapen.length > 0 ? misshapen : [...talkProblems(body as Converse), ...outputProblems(body as Converse)];
  },
  read: (body, headers) => {
    const { system = [], messages = [], inferenceConfig, toolConfig, outputConfig } = body as Converse;
    const blocks = messages.filter(({ role }) => role === 'user').at(-1)?.content ?? [];
    const tools = (toolConfig?.tools ?? []).flatMap(({ toolSpec }) => toolSpec ?? []);
    const { any, tool } = toolConfig?.toolChoice ?? {};
    const answerTool = tool?.name ?? (any ? tools.at(-1)?.name : undefined);
    const structured = outputConfig?.textFormat?.structure.jsonSchema.schema;
    return {
      key: /Credential=([^/,]+)/.exec(headers.authorization ?? '')?.[1] ?? '',
      system: system.map(({ text = '' }) => text).join(''),
      text: blocks
        .map(({ text, toolResult }) => text ?? toolResult?.content.map((part) => part.text ?? '').join('') ?? '')
        .join('\n'),
      schema: structured
        ? (JSON.parse(structured) as JsonValue)
        : tools.find(({ name }) => name === answerTool)?.inputSchema.json,
      answerTool,
      tools: tools.map(({ name }) => name),
      toolResults: messages.flatMap(({ content }) => content).filter(({ toolResult }) => toolResult).length,
      maxTokens: inferenceConfig?.maxTokens,
    };
  },
  reply: (answer) => ({ status: 200, headers: {}, body: toOutput(answer) }),
  refusal: ({ status, code = codes[status] ?? 'ValidationException', message }) => ({
    status,
    headers: { 'x-amzn-errortype': `${code}:http://internal.amazon.com/coral/com.amazon.bedrock/` },
    body: { message },
  }),
};

function toOutput({ text, toolCalls, stop, usage }: Answer): object {
  const { input, output, cacheRead, cacheWrite } = usage;
  return {
    output: {
      message: {
        role: 'assistant',
        content: [
          ...(text === '' ? [] : [{ text }]),
          ...toolCalls.map(({ name, arguments: given }, i) => ({
            toolUse: { toolUseId: `tooluse_${i}`, name, input: given },
          })),
        ],
      },
    },
    stopReason: toolCalls.length > 0 && stop === 'end' ? 'tool_use' : stops[stop],
    usage: {
      inputTokens: input,
      outputTokens: output,
      totalTokens: input + output + (cacheRead ?? 0) + (cacheWrite ?? 0),
      ...(cacheRead !== undefined && { cacheReadInputTokens: cacheRead }),
      ...(cacheWrite !== undefined && { cacheWriteInputTokens: cacheWrite }),
    },
    metrics: { latencyMs: 1 },
  };
}

/** What Converse refuses though its shape is right. Source: its ValidationExceptions, as the API reference and the user guide tell them. */
function talkProblems({ messages = [], toolConfig }: Converse): readonly string[] {
  const roles = messages.map(({ role }) => role);
  const blocks = messages.flatMap(({ content }) => content);
  return [
    ...(roles[0] === 'user' ? [] : ['A conversation must start with a user message.']),
    ...(roles.some((role, i) => role === roles[i - 1]) ? ['roles must alternate between "user" and "assistant"'] : []),
    ...(blocks.some(({ text }) => text?.trim() === '') ? ['text content blocks must contain non-whitespace text'] : []),
    ...(messages.some(({ content }) => content.length === 0)
      ? ['The content field in the Message object is empty.']
      : []),
    ...(blocks.some(({ toolUse }) => toolUse) && !toolConfig
      ? ['The toolConfig field must be defined when using toolUse']
      : []),
    ...unmatchedResults(messages),
  ];
}

function unmatchedResults(messages: NonNullable<Converse['messages']>): readonly string[] {
  return messages.flatMap(({ content }, i) => {
    const asked = (messages[i - 1]?.content ?? []).flatMap(({ toolUse }) => toolUse?.toolUseId ?? []).sort();
    const answered = content.flatMap(({ toolResult }) => toolResult?.toolUseId ?? []).sort();
    return String(asked) === String(answered)
      ? []
      : [`expected toolResult blocks of ${String(asked)}, got ${String(answered)}`];
  });
}

function outputProblems({ outputConfig }: Converse): readonly string[] {
  const schema = outputConfig?.textFormat?.structure.jsonSchema.schema;
  if (schema === undefined) return [];
  try {
    return schemaProblems(JSON.parse(schema), { isStrict: false });
  } catch {
    return ['outputConfig: the schema is no JSON'];
  }
}
