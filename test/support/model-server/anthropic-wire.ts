import * as z from 'zod';
import type { JsonValue } from '../../../shared/domain/span.ts';
import { schemaProblems } from './check-schema.ts';
import type { Answer, Asked } from './script.ts';
import { bearer, type Wire } from './wire.ts';

const name = z.string().regex(/^[a-zA-Z0-9_-]{1,128}$/);
const cacheControl = z.strictObject({ type: z.literal('ephemeral'), ttl: z.enum(['5m', '1h']).optional() });
const text = z.strictObject({
  type: z.literal('text'),
  text: z.string().regex(/\S/, 'text content blocks must contain non-whitespace text'),
  cache_control: cacheControl.optional(),
});
const block = z.discriminatedUnion('type', [
  text,
  z.strictObject({
    type: z.literal('tool_use'),
    id: z.string().regex(/^[a-zA-Z0-9_-]+$/),
    name,
    input: z.record(z.string(), z.unknown()),
    cache_control: cacheControl.optional(),
  }),
  z.strictObject({
    type: z.literal('tool_result'),
    tool_use_id: z.string().regex(/^[a-zA-Z0-9_-]+$/),
    content: z.union([z.string(), z.array(text)]).optional(),
    is_error: z.boolean().optional(),
    cache_control: cacheControl.optional(),
  }),
]);

/** Source: Anthropic's API reference, "Create a Message", and its guide "Structured outputs"; what judges have no use for is left out. */
const request = z.strictObject({
  model: z.string().min(1),
  max_tokens: z.int().min(1),
  system: z.union([z.string(), z.array(text)]).optional(),
  messages: z
    .array(
      z.strictObject({ role: z.enum(['user', 'assistant']), content: z.union([z.string(), z.array(block).min(1)]) }),
    )
    .min(1),
  cache_control: cacheControl.optional(),
  temperature: z.number().min(0).max(1).optional(),
  top_p: z.number().min(0).max(1).optional(),
  top_k: z.int().min(0).optional(),
  stop_sequences: z.array(z.string().regex(/\S/)).optional(),
  metadata: z.strictObject({ user_id: z.string().optional() }).optional(),
  service_tier: z.enum(['auto', 'standard_only']).optional(),
  thinking: z.looseObject({ type: z.enum(['enabled', 'disabled', 'adaptive', 'between_tools']) }).optional(),
  tools: z
    .array(
      z.strictObject({
        name,
        description: z.string().optional(),
        input_schema: z.looseObject({ type: z.literal('object') }),
        strict: z.boolean().optional(),
        cache_control: cacheControl.optional(),
      }),
    )
    .optional(),
  tool_choice: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.enum(['auto', 'any', 'none']), disable_parallel_tool_use: z.boolean().optional() }),
      z.strictObject({ type: z.literal('tool'), name, disable_parallel_tool_use: z.boolean().optional() }),
    ])
    .optional(),
  output_config: z
    .strictObject({
      format: z.strictObject({ type: z.literal('json_schema'), schema: z.record(z.string(), z.unknown()) }).optional(),
      effort: z.enum(['low', 'medium', 'high', 'xhigh', 'max']).optional(),
    })
    .optional(),
});

type MessagesRequest = z.output<typeof request>;
type Block = z.output<typeof block>;

const types: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  500: 'api_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

const stops = { end: 'end_turn', length: 'max_tokens', refused: 'refusal' } as const;

/** Anthropic's messages. */
export const anthropicWire: Wire = {
  provider: 'anthropic',
  model: (path) => (path.endsWith('/messages') ? '' : undefined),
  problems: (body, headers) => {
    const { error, data } = request.safeParse(body);
    const version = headers['anthropic-version'] === '2023-06-01' ? [] : ['anthropic-version: header is required'];
    if (error) return [...version, ...error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)];
    const { format } = data.output_config ?? {};
    return [...version, ...(format ? schemaProblems(format.schema, { isStrict: false }) : []), ...talkProblems(data)];
  },
  read: (body, headers) => {
    const { model, messages, system = '', max_tokens: maxTokens, ...rest } = body as unknown as MessagesRequest;
    const tools = rest.tools ?? [];
    const { tool_choice: choice, output_config: output } = rest;
    const answerTool = choice?.type === 'tool' ? choice.name : choice?.type === 'any' ? tools.at(-1)?.name : undefined;
    return {
      model,
      key: headers['x-api-key'] ?? bearer(headers),
      system: typeof system === 'string' ? system : system.map((part) => part.text).join(''),
      text: blocksOf(messages.filter(({ role }) => role === 'user').at(-1))
        .map(textOf)
        .join('\n'),
      schema: (output?.format?.schema ?? tools.find((tool) => tool.name === answerTool)?.input_schema) as
        | JsonValue
        | undefined,
      answerTool,
      tools: tools.map((tool) => tool.name),
      toolResults: messages.flatMap(blocksOf).filter(({ type }) => type === 'tool_result').length,
      maxTokens,
    };
  },
  reply: (answer, asked) => ({ status: 200, headers: {}, body: toMessage(answer, asked) }),
  refusal: ({ status, code, message }) => ({
    status,
    headers: {},
    body: { type: 'error', error: { type: code ?? types[status] ?? 'api_error', message }, request_id: 'req_scripted' },
  }),
};

function blocksOf(message: MessagesRequest['messages'][number] | undefined): readonly Block[] {
  const content = message?.content ?? [];
  return typeof content === 'string' ? [{ type: 'text', text: content }] : content;
}

function textOf(part: Block): string {
  if (part.type === 'text') return part.text;
  if (part.type === 'tool_use') return '';
  return typeof part.content === 'string' ? part.content : (part.content ?? []).map((inner) => inner.text).join('');
}

function talkProblems({ messages }: MessagesRequest): readonly string[] {
  return messages.flatMap((message, i) => {
    const asked = blocksOf(messages[i - 1])
      .flatMap((part) => (part.type === 'tool_use' ? [part.id] : []))
      .sort();
    const answered = blocksOf(message)
      .flatMap((part) => (part.type === 'tool_result' ? [part.tool_use_id] : []))
      .sort();
    return String(asked) === String(answered)
      ? []
      : [`messages.${i}: tool_use ids ${String(asked)}, tool_result ids ${String(answered)}`];
  });
}

function toMessage({ text: said, toolCalls, stop, usage }: Answer, { model, count }: Asked): object {
  return {
    id: `msg_${count}`,
    type: 'message',
    role: 'assistant',
    model,
    content: [
      ...(said === '' ? [] : [{ type: 'text', text: said }]),
      ...toolCalls.map((call, i) => ({
        type: 'tool_use',
        id: `toolu_${count}_${i}`,
        name: call.name,
        input: call.arguments,
      })),
    ],
    stop_reason: toolCalls.length > 0 && stop === 'end' ? 'tool_use' : stops[stop],
    stop_sequence: null,
    usage: {
      input_tokens: usage.input,
      output_tokens: usage.output,
      cache_creation_input_tokens: usage.cacheWrite ?? 0,
      cache_read_input_tokens: usage.cacheRead ?? 0,
    },
  };
}
