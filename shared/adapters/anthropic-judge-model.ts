import * as z from 'zod';
import {
  type JudgeAnswer,
  type JudgeModel,
  type JudgeRequest,
  type JudgeToolCall,
  JudgeUnavailableError,
} from '../domain/judging/judge-model.ts';
import { isCacheable, type ModelLimits } from '../domain/judging/model-limits.ts';
import { type JudgeEndpoint, postForJson, problemOf } from './judge-http.ts';
import { answerTool, judgeModelOf, offeredTools, type Prepared, toAnswer } from './judge-output.ts';
import { asObject, type Turn, type TurnPart, toTurns } from './judge-turns.ts';

export interface AnthropicJudgeOptions {
  readonly endpoint: JudgeEndpoint;
  readonly model: string;
  readonly limits: ModelLimits;
}

/** A model behind Anthropic's messages API. Source: its API reference, "Create a Message" and "Structured outputs". */
export function anthropicJudgeModel({ endpoint, model, limits }: AnthropicJudgeOptions): JudgeModel {
  const { uri } = endpoint;
  const versioned = { ...endpoint, headers: { 'anthropic-version': '2023-06-01', ...endpoint.headers } };
  return judgeModelOf({ uri, limits }, async (request, prepared) => {
    const body = toBody(request, { ...prepared, model, limits });
    return readReply(await postForJson(versioned, { body, readError, until: request.until }), uri);
  });
}

function toBody(
  request: JudgeRequest,
  { form, parameters, model, limits }: Prepared & Pick<AnthropicJudgeOptions, 'model' | 'limits'>,
): object {
  const { maxTokens, effort, sampling, stop, others } = parameters;
  const tools = offeredTools(request, form).map(({ name, description, parameters }) => ({
    name,
    description,
    input_schema: parameters,
  }));
  const outputConfig = {
    ...(form === 'schema' && { format: { type: 'json_schema', schema: request.schema } }),
    ...(effort !== undefined && { effort }),
  };
  const cached = (isWanted: boolean) => isWanted && { cache_control: { type: 'ephemeral' } };
  const messages = toTurns(request.messages).map(toMessage);
  return {
    model,
    max_tokens: maxTokens,
    system: [{ type: 'text', text: request.system, ...cached(isCacheable(request.system, limits)) }],
    messages,
    // A conversation with tools goes on: what was said so far is read again with every step.
    ...cached(request.tools.length > 0 && isCacheable(request.system + JSON.stringify(messages), limits)),
    ...(tools.length > 0 && { tools }),
    ...(form === 'tool' && limits.forcedTool && { tool_choice: toolChoice(tools.length) }),
    ...(Object.keys(outputConfig).length > 0 && { output_config: outputConfig }),
    ...sampling,
    ...(stop && { stop_sequences: stop }),
    ...others,
  };
}

function toolChoice(tools: number): object {
  return tools === 1 ? { type: 'tool', name: answerTool } : { type: 'any' };
}

function toMessage({ role, parts }: Turn): { role: string; content: readonly object[] } {
  return { role, content: parts.map(toBlock) };
}

function toBlock(part: TurnPart): object {
  switch (part.kind) {
    case 'text':
      return { type: 'text', text: part.text };
    case 'call':
      return { type: 'tool_use', id: part.call.id, name: part.call.name, input: asObject(part.call.arguments) };
    case 'result':
      return { type: 'tool_result', tool_use_id: part.result.id, content: part.result.text };
  }
}

const block = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  id: z.string().optional(),
  name: z.string().optional(),
  input: z.unknown().optional(),
});

const message = z.object({
  content: z.array(block),
  stop_reason: z.string().nullish(),
  usage: z.object({
    input_tokens: z.int().min(0),
    output_tokens: z.int().min(0),
    cache_creation_input_tokens: z.int().min(0).nullish(),
    cache_read_input_tokens: z.int().min(0).nullish(),
  }),
});

const stops: Readonly<Record<string, JudgeAnswer['stop']>> = {
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  refusal: 'refused',
};

function readReply(body: unknown, uri: string): JudgeAnswer {
  const parsed = message.safeParse(body);
  if (!parsed.success)
    throw new JudgeUnavailableError(`${uri} answers what is no message: ${problemOf(parsed.error)}`, {
      reason: 'unavailable',
      call: 'begun',
    });
  const { content, stop_reason: reason, usage } = parsed.data;
  const [read, written] = [usage.cache_read_input_tokens ?? 0, usage.cache_creation_input_tokens ?? 0];
  return toAnswer({
    text: content.flatMap(({ type, text }) => (type === 'text' && text ? [text] : [])).join(''),
    toolCalls: content.flatMap(({ type, id, name, input }) =>
      type === 'tool_use' && id && name ? [{ id, name, arguments: (input ?? {}) as JudgeToolCall['arguments'] }] : [],
    ),
    stop: stops[reason ?? ''] ?? 'end',
    usage: {
      // Anthropic counts what was cached apart.
      inputTokens: usage.input_tokens + read + written,
      outputTokens: usage.output_tokens,
      ...(read > 0 && { cacheReadTokens: read }),
      ...(written > 0 && { cacheWriteTokens: written }),
    },
  });
}

const errorBody = z.object({ error: z.object({ type: z.string().default(''), message: z.string().default('') }) });

function readError(body: unknown): { code: string; message: string } {
  const { error } = errorBody.safeParse(body).data ?? { error: { type: '', message: JSON.stringify(body) } };
  return { code: error.type, message: error.message };
}
