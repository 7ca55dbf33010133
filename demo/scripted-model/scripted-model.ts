import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { between, chanceAt, hexAt } from '../chance.ts';
import type { ChatCompletion, ChatRequest } from '../support-agent/model-client.ts';
import { type ScriptedReply, scriptedReply } from './script.ts';

/** Shares of all calls. A trace makes one or two. */
const outages = 0.02;
const slowCalls = 0.025;

export interface ScriptedModel {
  /** Base URL, without `/v1`. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * A server of OpenAI's chat completions on a free port of this machine, answering from a script instead of a language model.
 * Its delays and outages follow from the seed and the place in the conversation.
 */
export async function startScriptedModel(seed: string): Promise<ScriptedModel> {
  const server = createServer((request, response) => {
    answer(seed, request, response).catch((error: Error) => refuse(response, 400, error.message));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => close(server) };
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

async function answer(seed: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url !== '/v1/chat/completions') return refuse(response, 404, `no route ${request.url}`);
  const chat = JSON.parse(Buffer.concat(await request.toArray()).toString()) as ChatRequest;
  const place = [chat.metadata.conversation_id, chat.metadata.turn, chat.messages.length] as const;
  await delay(thinkingTime(chanceAt(seed, ...place, 'slow'), chanceAt(seed, ...place, 'delay')));
  if (chanceAt(seed, ...place, 'outage') < outages) return refuse(response, 503, 'the model is overloaded');
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(toCompletion(chat, { id: `chatcmpl-${hexAt(seed, ...place).slice(0, 24)}` })));
}

/** Milliseconds: 30 to 160, and now and then one to two seconds more. */
function thinkingTime(slow: number, chance: number): number {
  return between(30, 160, chance) + (slow < slowCalls ? between(1000, 2000, chance) : 0);
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: { message } }));
}

function toCompletion(chat: ChatRequest, { id }: { id: string }): ChatCompletion {
  const reply = scriptedReply(chat);
  const message = toMessage(reply, id);
  return {
    id,
    model: chat.model,
    choices: [{ message, finish_reason: 'tool' in reply ? 'tool_calls' : 'stop' }],
    usage: {
      prompt_tokens: countTokens(chat.messages),
      completion_tokens: countTokens(message.tool_calls ?? message.content),
    },
  };
}

function toMessage(reply: ScriptedReply, id: string): ChatCompletion['choices'][number]['message'] {
  if ('answer' in reply) return { role: 'assistant', content: reply.answer };
  const call = { name: reply.tool, arguments: JSON.stringify(reply.arguments) };
  return {
    role: 'assistant',
    content: null,
    tool_calls: [{ id: `call_${id.slice(-8)}`, type: 'function', function: call }],
  };
}

/** Four characters a token, the usual rule of thumb for English. */
function countTokens(value: unknown): number {
  return Math.ceil(JSON.stringify(value).length / 4);
}
