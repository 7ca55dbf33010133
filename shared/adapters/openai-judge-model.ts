import * as z from 'zod';
import { estimateTokens } from '../domain/judging/estimate-tokens.ts';
import {
  type JudgeAnswer,
  type JudgeMessage,
  type JudgeModel,
  type JudgeRequest,
  type JudgeToolCall,
  JudgeUnavailableError,
} from '../domain/judging/judge-model.ts';
import type { ModelLimits } from '../domain/judging/model-limits.ts';
import { type JudgeEndpoint, postForJson, problemOf } from './judge-http.ts';
import { answerTool, judgeModelOf, offeredTools, type Prepared, toAnswer } from './judge-output.ts';

export interface OpenAiJudgeOptions {
  readonly endpoint: JudgeEndpoint;
  readonly model: string;
  readonly limits: ModelLimits;
}

/**
 * A model behind OpenAI's chat completions, or behind any endpoint that speaks them (Bedrock's, Azure's, Databricks', vLLM, LiteLLM).
 * Source: OpenAI's API reference, "Create chat completion".
 */
export function openAiJudgeModel({ endpoint, model, limits }: OpenAiJudgeOptions): JudgeModel {
  const { uri } = endpoint;
  return judgeModelOf({ uri, limits }, async (request, prepared) => {
    const body = toBody(request, { ...prepared, model, limits, endpoint });
    try {
      return readReply(await postForJson(endpoint, { body, readError, until: request.until }), { uri, request });
    } catch (error) {
      if (error instanceof FilteredError) return error.answer;
      throw error;
    }
  });
}

/** Servers of others know older names and no storage. */
function isOpenAis({ hostname }: URL): boolean {
  return /(^|\.)(openai\.com|azure\.com|amazonaws\.com|amazonaws\.com\.cn|api\.aws)$/.test(hostname);
}

function toBody(
  request: JudgeRequest,
  { form, parameters, model, limits, endpoint }: Prepared & OpenAiJudgeOptions,
): object {
  const { maxTokens, effort, sampling, stop, others } = parameters;
  const isOriginal = isOpenAis(endpoint.url);
  const tools = offeredTools(request, form).map(({ name, description, parameters }) => ({
    type: 'function',
    function: { name, description, parameters },
  }));
  return {
    model,
    messages: [{ role: 'system', content: request.system }, ...request.messages.flatMap(toMessages)],
    [isOriginal ? 'max_completion_tokens' : 'max_tokens']: maxTokens,
    ...(isOriginal && { store: false }),
    ...(form === 'schema' && {
      response_format: { type: 'json_schema', json_schema: { name: 'verdict', strict: true, schema: request.schema } },
    }),
    ...(tools.length > 0 && { tools }),
    ...(form === 'tool' && limits.forcedTool && { tool_choice: toolChoice(tools.length) }),
    ...(effort !== undefined && { reasoning_effort: effort }),
    ...sampling,
    ...(stop && { stop }),
    ...others,
  };
}

/** Where there are other tools, which of them is the model's choice. */
function toolChoice(tools: number): unknown {
  return tools === 1 ? { type: 'function', function: { name: answerTool } } : 'required';
}

function toMessages(message: JudgeMessage): readonly object[] {
  if (message.role === 'tool')
    return message.results.map(({ id, text }) => ({ role: 'tool', tool_call_id: id, content: text }));
  if (message.role === 'user') return [{ role: 'user', content: message.text }];
  const calls = message.toolCalls.map(({ id, name, arguments: given }) => ({
    id,
    type: 'function',
    function: { name, arguments: typeof given === 'string' ? given : JSON.stringify(given) },
  }));
  return [{ role: 'assistant', content: message.text, ...(calls.length > 0 && { tool_calls: calls }) }];
}

/** Text, or as Databricks and others answer for models that think, parts. */
const content = z.union([
  z.string(),
  z.array(z.looseObject({ type: z.string().optional(), text: z.string().optional() })),
  z.null(),
]);

const completion = z.object({
  choices: z
    .array(
      z.object({
        finish_reason: z.string().nullish(),
        message: z.object({
          content: content.optional(),
          refusal: z.string().nullish(),
          tool_calls: z
            .array(
              z.object({ id: z.string().optional(), function: z.object({ name: z.string(), arguments: z.string() }) }),
            )
            .nullish(),
        }),
      }),
    )
    .min(1),
  usage: z
    .object({
      prompt_tokens: z.int().min(0),
      completion_tokens: z.int().min(0),
      prompt_tokens_details: z.object({ cached_tokens: z.int().min(0).nullish() }).nullish(),
    })
    .nullish(),
});

type Completion = z.output<typeof completion>;

function readReply(body: unknown, { uri, request }: { uri: string; request: JudgeRequest }): JudgeAnswer {
  const parsed = completion.safeParse(body);
  const choice = parsed.data?.choices[0];
  if (!parsed.success || choice === undefined)
    throw new JudgeUnavailableError(`${uri} answers what is no chat completion: ${problemOf(parsed.error)}`, {
      reason: 'unavailable',
      call: 'begun',
    });
  const { message, finish_reason: finish } = choice;
  const text = message.refusal || textOf(message.content);
  return toAnswer({
    text,
    toolCalls: (message.tool_calls ?? []).map(toToolCall),
    stop: message.refusal || finish === 'content_filter' ? 'refused' : finish === 'length' ? 'length' : 'end',
    usage: toUsage(parsed.data.usage, { request, text }),
  });
}

function textOf(given: z.output<typeof content> | undefined): string {
  if (typeof given === 'string') return given;
  return (given ?? []).flatMap(({ type = 'text', text }) => (type === 'text' && text ? [text] : [])).join('');
}

function toToolCall(
  {
    id,
    function: { name, arguments: text },
  }: { id?: string | undefined; function: { name: string; arguments: string } },
  index: number,
): JudgeToolCall {
  // Some servers leave ids out; the calls of one answer are told apart by their place.
  return { id: id || `call_${index}`, name, arguments: parsedArguments(text) };
}

function parsedArguments(text: string): JudgeToolCall['arguments'] {
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text) as JudgeToolCall['arguments'];
  } catch {
    return text;
  }
}

/** A server that does not count is counted for: budgets must see something. */
function toUsage(
  usage: Completion['usage'],
  { request, text }: { request: JudgeRequest; text: string },
): JudgeAnswer['usage'] {
  if (!usage)
    return {
      inputTokens: estimateTokens(request.system + JSON.stringify(request.messages)),
      outputTokens: estimateTokens(text),
    };
  const read = usage.prompt_tokens_details?.cached_tokens;
  return {
    inputTokens: usage.prompt_tokens,
    outputTokens: usage.completion_tokens,
    ...(read && { cacheReadTokens: read }),
  };
}

const errorBody = z.object({
  error: z.union([
    z.string().transform((message) => ({ message, code: undefined, type: undefined })),
    z.object({
      message: z.string().default(''),
      type: z.string().nullish(),
      code: z.union([z.string(), z.number()]).nullish(),
    }),
  ]),
});

/** OpenAI and Azure refuse a prompt that their filters find harmful with 400: the model has refused, nothing is wrong with the scorer. */
class FilteredError extends Error {
  override readonly name = 'FilteredError';
  readonly answer: JudgeAnswer;

  constructor(text: string) {
    super(text);
    this.answer = { text, toolCalls: [], stop: 'refused', usage: { inputTokens: 0, outputTokens: 0 } };
  }
}

const filteredCode = /^(content_filter|content_policy_violation|invalid_prompt)$/;
/** For gateways that put a code of their own in place. */
const filteredWords = /flagged as potentially violating .{0,20}usage policy/i;

/** OpenAI's shape, that of vLLM (`{object: "error", message, type, code}`), and that of Databricks (`{error_code, message}`). */
function readError(body: unknown): { code: string; message: string } {
  const { error } = errorBody.safeParse(body).data ?? { error: undefined };
  const flat = (body ?? {}) as { message?: unknown; error_code?: unknown; code?: unknown; detail?: unknown };
  const message = error?.message ?? String(flat.message ?? flat.detail ?? JSON.stringify(body));
  const code = String(error?.code ?? error?.type ?? flat.error_code ?? flat.code ?? '');
  if (filteredCode.test(code) || filteredWords.test(message)) throw new FilteredError(message.slice(0, 500));
  return { code, message };
}
