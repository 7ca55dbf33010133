import * as z from 'zod';
import type { JsonValue } from '../../../shared/domain/span.ts';
import { schemaProblems } from './check-schema.ts';
import type { Answer, Asked } from './script.ts';
import { bearer, type Wire } from './wire.ts';

const name = z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/);
const part = z.strictObject({ type: z.literal('text'), text: z.string() });
const content = z.union([z.string(), z.array(part).min(1)]);
const toolCall = z.strictObject({
  id: z.string(),
  type: z.literal('function'),
  function: z.strictObject({ name, arguments: z.string() }),
});
const message = z.discriminatedUnion('role', [
  z.strictObject({ role: z.enum(['system', 'developer']), content }),
  z.strictObject({ role: z.literal('user'), content }),
  z.strictObject({
    role: z.literal('assistant'),
    content: content.nullish(),
    tool_calls: z.array(toolCall).min(1).optional(),
  }),
  z.strictObject({ role: z.literal('tool'), content, tool_call_id: z.string() }),
]);

/** Source: OpenAI's API reference, "Create chat completion", and CreateChatCompletionRequest of its OpenAPI document; what judges have no use for is left out. */
const request = z.strictObject({
  model: z.string().min(1),
  messages: z.array(message).min(1),
  max_completion_tokens: z.int().min(1).optional(),
  max_tokens: z.int().min(1).optional(),
  store: z.boolean().optional(),
  temperature: z.number().min(0).max(2).optional(),
  top_p: z.number().min(0).max(1).optional(),
  presence_penalty: z.number().min(-2).max(2).optional(),
  frequency_penalty: z.number().min(-2).max(2).optional(),
  seed: z.int().optional(),
  logit_bias: z.record(z.string(), z.number()).optional(),
  stop: z.union([z.string(), z.array(z.string()).min(1).max(4)]).optional(),
  reasoning_effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']).optional(),
  service_tier: z.enum(['auto', 'default', 'flex', 'scale', 'priority']).optional(),
  user: z.string().optional(),
  metadata: z.record(z.string(), z.string()).optional(),
  tools: z
    .array(
      z.strictObject({
        type: z.literal('function'),
        function: z.strictObject({
          name,
          description: z.string().optional(),
          parameters: z.record(z.string(), z.unknown()).optional(),
          strict: z.boolean().optional(),
        }),
      }),
    )
    .min(1)
    .optional(),
  tool_choice: z
    .union([
      z.enum(['none', 'auto', 'required']),
      z.strictObject({ type: z.literal('function'), function: z.strictObject({ name }) }),
    ])
    .optional(),
  response_format: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.enum(['text', 'json_object']) }),
      z.strictObject({
        type: z.literal('json_schema'),
        json_schema: z.strictObject({
          name,
          description: z.string().optional(),
          schema: z.record(z.string(), z.unknown()),
          strict: z.boolean().optional(),
        }),
      }),
    ])
    .optional(),
});

type ChatRequest = z.output<typeof request>;

const codes: Readonly<Record<number, { type: string; code: string | null }>> = {
  400: { type: 'invalid_request_error', code: null },
  401: { type: 'invalid_request_error', code: 'invalid_api_key' },
  404: { type: 'invalid_request_error', code: 'model_not_found' },
  429: { type: 'requests', code: 'rate_limit_exceeded' },
  500: { type: 'server_error', code: null },
  503: { type: 'server_error', code: null },
};

const stops = { end: 'stop', length: 'length', refused: 'stop' } as const;

/** OpenAI's chat completions, under any base. */
export const openAiWire: Wire = {
  provider: 'openai',
  model: (path) => (path.endsWith('/chat/completions') ? '' : undefined),
  problems: (body) => {
    const { error, data } = request.safeParse(body);
    if (error) return error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    const format = data.response_format;
    const schema = format?.type === 'json_schema' ? format.json_schema : undefined;
    return [
      ...(schema ? schemaProblems(schema.schema, { isStrict: schema.strict === true }) : []),
      ...talkProblems(data),
    ];
  },
  read: (body, headers) => {
    const { model, messages, max_completion_tokens: max, max_tokens: older, ...rest } = body as unknown as ChatRequest;
    const tools = (rest.tools ?? []).map((tool) => tool.function);
    const { tool_choice: choice, response_format: format } = rest;
    const answerTool =
      typeof choice === 'object' ? choice.function.name : choice === 'required' ? tools.at(-1)?.name : undefined;
    const said = messages.filter(({ role }) => role === 'user' || role === 'tool').at(-1);
    return {
      model,
      key: bearer(headers),
      system: messages.flatMap((entry) => (entry.role === 'system' ? [textOf(entry.content)] : [])).join(''),
      text: textOf(said?.content),
      schema: (format?.type === 'json_schema'
        ? format.json_schema.schema
        : tools.find((tool) => tool.name === answerTool)?.parameters) as JsonValue | undefined,
      answerTool,
      tools: tools.map((tool) => tool.name),
      toolResults: messages.filter(({ role }) => role === 'tool').length,
      maxTokens: max ?? older,
    };
  },
  reply: (answer, asked) => ({ status: 200, headers: {}, body: toCompletion(answer, asked) }),
  refusal: ({ status, code, message }) => {
    const known = codes[status] ?? { type: 'invalid_request_error', code: null };
    return { status, headers: {}, body: { error: { message, ...known, ...(code && { code }), param: null } } };
  },
};

function textOf(given: z.output<typeof content> | null | undefined): string {
  return typeof given === 'string' ? given : (given ?? []).map(({ text }) => text).join('');
}

/** Every call of a tool is answered before anyone else speaks. */
function talkProblems({ messages }: ChatRequest): readonly string[] {
  let open: readonly string[] = [];
  const problems: string[] = [];
  for (const entry of messages) {
    if (entry.role === 'tool') {
      if (!open.includes(entry.tool_call_id)) problems.push(`no call ${entry.tool_call_id} was made`);
      open = open.filter((id) => id !== entry.tool_call_id);
      continue;
    }
    if (open.length > 0) problems.push(`calls ${open.join(', ')} were not answered`);
    open = entry.role === 'assistant' ? (entry.tool_calls ?? []).map(({ id }) => id) : [];
  }
  return problems;
}

function toCompletion({ text, toolCalls, stop, usage }: Answer, { model, count }: Asked): object {
  const { input, output, cacheRead = 0, cacheWrite = 0 } = usage;
  const isRefused = stop === 'refused';
  const calls = toolCalls.map((call, i) => ({
    id: `call_${count}_${i}`,
    type: 'function',
    function: {
      name: call.name,
      arguments: typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments),
    },
  }));
  return {
    id: `chatcmpl-${count}`,
    object: 'chat.completion',
    created: 0,
    model,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: isRefused || calls.length > 0 ? null : text,
          refusal: isRefused ? text : null,
          ...(calls.length > 0 && { tool_calls: calls }),
        },
        logprobs: null,
        finish_reason: calls.length > 0 ? 'tool_calls' : stops[stop],
      },
    ],
    usage: {
      prompt_tokens: input + cacheRead + cacheWrite,
      completion_tokens: output,
      total_tokens: input + cacheRead + cacheWrite + output,
      prompt_tokens_details: { cached_tokens: cacheRead },
    },
  };
}
