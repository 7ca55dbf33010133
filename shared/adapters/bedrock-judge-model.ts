import {
  type BedrockRuntimeClient,
  BedrockRuntimeServiceException,
  type ContentBlock,
  ConverseCommand,
  type ConverseCommandInput,
  type ConverseCommandOutput,
  type Message,
  type Tool,
} from '@aws-sdk/client-bedrock-runtime';
import {
  type JudgeAnswer,
  type JudgeModel,
  type JudgeRequest,
  type JudgeToolCall,
  JudgeUnavailableError,
} from '../domain/judging/judge-model.ts';
import { isCacheable, type ModelLimits, type OutputForm } from '../domain/judging/model-limits.ts';
import type { Clock } from '../domain/ports.ts';
import { callTime } from './judge-call-time.ts';
import { brokenCall, retryAfter, toJudgeError } from './judge-failures.ts';
import { answerTool, judgeModelOf, offeredTools, type Prepared, toAnswer } from './judge-output.ts';
import { asObject, type Turn, type TurnPart, toTurns } from './judge-turns.ts';

export interface BedrockJudgeOptions {
  readonly uri: string;
  /** Of a foundation model or an inference profile, or an ARN. */
  readonly model: string;
  readonly limits: ModelLimits;
  readonly timeoutMs: number;
  readonly now: Clock;
}

/** A model of Bedrock behind Converse. The client must not repeat calls by itself: when and how often is decided by who asks. */
export function bedrockJudgeModel(client: BedrockRuntimeClient, options: BedrockJudgeOptions): JudgeModel {
  const { uri } = options;
  return judgeModelOf(options, async (request, prepared) => {
    const input = toInput(request, { ...options, ...prepared });
    const { signal: abortSignal, over } = callTime(request.until, options);
    try {
      return readOutput(await client.send(new ConverseCommand(input), { abortSignal }), uri);
    } catch (error) {
      // The SDK calls a connection that broke a TimeoutError too: only our own signal tells.
      throw abortSignal.aborted ? over() : translated(error, options);
    }
  });
}

function toInput(
  request: JudgeRequest,
  { model, limits, form, parameters }: BedrockJudgeOptions & Prepared,
): ConverseCommandInput {
  const { maxTokens, effort, sampling, stop, others } = parameters;
  const { temperature, top_p: topP, ...unnamed } = sampling;
  const isClaude = /anthropic/.test(model);
  const tools = offeredTools(request, form).map(toTool);
  const messages = toTurns(request.messages).map(toMessage);
  // A conversation with tools goes on: what was said so far is read again with every step.
  if (request.tools.length > 0 && isCacheable(request.system + JSON.stringify(messages), limits))
    messages.at(-1)?.content?.push(cachePoint);
  const additional = { ...unnamed, ...(!isClaude && effort !== undefined && { reasoning_effort: effort }), ...others };
  return {
    modelId: model,
    system: isCacheable(request.system, limits) ? [{ text: request.system }, cachePoint] : [{ text: request.system }],
    messages,
    inferenceConfig: {
      maxTokens,
      ...(temperature !== undefined && { temperature: temperature as number }),
      ...(topP !== undefined && { topP: topP as number }),
      ...(stop && { stopSequences: [...stop] }),
    },
    ...(tools.length > 0 && {
      toolConfig: { tools, ...(form === 'tool' && limits.forcedTool && { toolChoice: toolChoice(tools.length) }) },
    }),
    ...outputConfig(request, { form, effort: isClaude && effort !== undefined ? String(effort) : undefined }),
    ...(Object.keys(additional).length > 0 && {
      additionalModelRequestFields: additional as ConverseCommandInput['additionalModelRequestFields'],
    }),
  };
}

const cachePoint = { cachePoint: { type: 'default' as const } };

type OutputConfig = NonNullable<ConverseCommandInput['outputConfig']>;

function outputConfig(
  { schema }: JudgeRequest,
  { form, effort }: { form: OutputForm; effort: string | undefined },
): { outputConfig?: OutputConfig } {
  const textFormat: OutputConfig['textFormat'] = {
    type: 'json_schema',
    structure: { jsonSchema: { name: 'verdict', schema: JSON.stringify(schema) } },
  };
  const config = {
    ...(form === 'schema' && { textFormat }),
    ...(effort !== undefined && { effort: effort as NonNullable<OutputConfig['effort']> }),
  };
  return Object.keys(config).length > 0 ? { outputConfig: config } : {};
}

function toTool({ name, description, parameters }: ReturnType<typeof offeredTools>[number]): Tool {
  return { toolSpec: { name, description, inputSchema: { json: parameters as never } } };
}

function toolChoice(tools: number) {
  return tools === 1 ? { tool: { name: answerTool } } : { any: {} };
}

function toMessage({ role, parts }: Turn): Message {
  return { role, content: parts.map(toBlock) };
}

function toBlock(part: TurnPart): ContentBlock {
  switch (part.kind) {
    case 'text':
      return { text: part.text };
    case 'call':
      return {
        toolUse: { toolUseId: part.call.id, name: part.call.name, input: asObject(part.call.arguments) as never },
      };
    case 'result':
      return { toolResult: { toolUseId: part.result.id, content: [{ text: part.result.text }] } };
  }
}

const stops: Readonly<Record<string, JudgeAnswer['stop']>> = {
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  content_filtered: 'refused',
  guardrail_intervened: 'refused',
  refusal: 'refused',
};

function readOutput({ output, stopReason, usage }: ConverseCommandOutput, uri: string): JudgeAnswer {
  if (output?.message === undefined || usage === undefined)
    throw new JudgeUnavailableError(`${uri} answers without a message`, { reason: 'unavailable', call: 'begun' });
  const { content = [] } = output.message;
  const [read, written] = [usage.cacheReadInputTokens ?? 0, usage.cacheWriteInputTokens ?? 0];
  return toAnswer({
    text: content.flatMap(({ text }) => text ?? []).join(''),
    toolCalls: content.flatMap(({ toolUse }) =>
      toolUse?.toolUseId && toolUse.name
        ? [
            {
              id: toolUse.toolUseId,
              name: toolUse.name,
              arguments: (toolUse.input ?? {}) as JudgeToolCall['arguments'],
            },
          ]
        : [],
    ),
    stop: stops[stopReason ?? ''] ?? 'end',
    usage: {
      // Bedrock counts what was cached apart (user guide, "Prompt caching").
      inputTokens: (usage.inputTokens ?? 0) + read + written,
      outputTokens: usage.outputTokens ?? 0,
      ...(read > 0 && { cacheReadTokens: read }),
      ...(written > 0 && { cacheWriteTokens: written }),
    },
  });
}

function translated(error: unknown, { uri, now }: BedrockJudgeOptions): Error {
  if (!(error instanceof Error))
    return new JudgeUnavailableError(`${uri}: ${String(error)}`, { reason: 'unavailable', call: 'begun' });
  if (error instanceof JudgeUnavailableError) return error;
  if (!(error instanceof BedrockRuntimeServiceException)) {
    // No way to it, or a reply that cannot be read. Without credentials of our own there is nothing to wait for.
    if (error.name !== 'CredentialsProviderError')
      return new JudgeUnavailableError(`${uri} cannot be reached: ${error.message}`, {
        reason: 'unavailable',
        call: brokenCall(error),
      });
    return toJudgeError({ status: 0, code: error.name, message: error.message }, { uri, cause: error });
  }
  const { $metadata, $response, name: code, message } = error;
  const retryAfterMs = retryAfter((name) => $response?.headers[name], now());
  return toJudgeError({ status: $metadata.httpStatusCode ?? 0, code, message, retryAfterMs }, { uri, cause: error });
}
