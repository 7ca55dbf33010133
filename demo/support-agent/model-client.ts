import type { ToolCall } from './tools.ts';

/** A message of the chat completions API, the part of it that the agent uses. */
export type ChatMessage =
  | { readonly role: 'system' | 'user'; readonly content: string }
  | { readonly role: 'assistant'; readonly content: string | null; readonly tool_calls?: readonly WireToolCall[] }
  | { readonly role: 'tool'; readonly tool_call_id: string; readonly content: string };

export interface WireToolCall {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
}

export interface ChatCompletion {
  readonly id: string;
  readonly model: string;
  readonly choices: readonly {
    readonly message: Extract<ChatMessage, { role: 'assistant' }>;
    readonly finish_reason: 'stop' | 'tool_calls';
  }[];
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number };
}

export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly metadata: { readonly conversation_id: string; readonly turn: string; readonly user_id: string };
}

/** The model did not answer; `status` is its HTTP status. */
export class ModelUnavailableError extends Error {
  override readonly name = 'ModelUnavailableError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * Asks a model that speaks OpenAI's chat completions (platform.openai.com/docs/api-reference/chat).
 * @throws ModelUnavailableError
 */
export async function completeChat(baseUrl: string, request: ChatRequest): Promise<ChatCompletion> {
  const response = await fetch(`${baseUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  if (!response.ok)
    throw new ModelUnavailableError(response.status, `model answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as ChatCompletion;
}

export function toToolCall({ id, function: { name, arguments: args } }: WireToolCall): ToolCall {
  return { id, name, arguments: JSON.parse(args) as ToolCall['arguments'] };
}
