import { setTimeout as delay } from 'node:timers/promises';
import { type Context, ROOT_CONTEXT, SpanKind, type Tracer } from '@opentelemetry/api';
import { between, chanceAt } from '../chance.ts';
import { searchHelpCentre } from './help-centre.ts';
import {
  agentAttributes,
  answerAttributes,
  chatAttributes,
  completionAttributes,
  documentsAttributes,
  inSpan,
  retrievalAttributes,
  toolAttributes,
  toolResultAttributes,
} from './instrument.ts';
import { type ChatMessage, completeChat, toToolCall, type WireToolCall } from './model-client.ts';
import { runTool, ToolFailedError } from './tools.ts';

export interface AgentDeps {
  readonly tracer: Tracer;
  /** Base URL of a server of chat completions, without `/v1`. */
  readonly modelUrl: string;
  readonly model: string;
  /** Makes delays and timeouts repeatable. */
  readonly seed: string;
}

export interface Turn {
  readonly sessionId: string;
  readonly userId: string;
  /** 1, 2, 3 … */
  readonly turn: number;
  readonly question: string;
  /** What was said before in the session. */
  readonly history: readonly ChatMessage[];
}

/** More rounds of tools than this are a loop. */
const maxRounds = 4;

/**
 * Answers one question of a customer, as one trace: agent → retrieval → chat → tool → chat.
 * @throws ModelUnavailableError
 */
export function answerTurn(turn: Turn, deps: AgentDeps): Promise<string> {
  const root = { name: 'invoke_agent support-agent', attributes: agentAttributes(turn), parent: ROOT_CONTEXT };
  return inSpan(deps.tracer, root, async (span, context) => {
    const articles = await retrieve(turn, { ...deps, context });
    const system = `You are the support agent of a shop. Answer from these articles:\n${articles}`;
    const opening: ChatMessage[] = [
      { role: 'system', content: system },
      ...turn.history,
      { role: 'user', content: turn.question },
    ];
    const answer = await converse(opening, { ...deps, turn, context });
    span.setAttributes(answerAttributes(answer));
    return answer;
  });
}

type Step = AgentDeps & { readonly context: Context };

function retrieve({ sessionId, turn, question }: Turn, { tracer, seed, context }: Step): Promise<string> {
  const search = { name: 'retrieval help-centre', attributes: retrievalAttributes(question), parent: context };
  return inSpan(tracer, search, async (span) => {
    await delay(between(3, 20, chanceAt(seed, sessionId, turn, 'retrieval')));
    const found = searchHelpCentre(question);
    span.setAttributes(documentsAttributes(found));
    return found.map(({ article: { title, text } }) => `${title}: ${text}`).join('\n');
  });
}

/** Asks the model, runs the tools it wants, and asks again until it answers. */
async function converse(opening: readonly ChatMessage[], step: Step & { turn: Turn }): Promise<string> {
  const messages = [...opening];
  for (let round = 0; round < maxRounds; round += 1) {
    const reply = await chat(messages, step);
    messages.push(reply);
    if (!reply.tool_calls?.length) return reply.content ?? '';
    for (const call of reply.tool_calls) messages.push(await useTool(call, step));
  }
  throw new Error(`the model asked for tools ${maxRounds} times and gave no answer`);
}

function chat(messages: readonly ChatMessage[], { tracer, model, modelUrl, turn, context }: Step & { turn: Turn }) {
  const attributes = chatAttributes(model, messages);
  return inSpan(tracer, { name: `chat ${model}`, kind: SpanKind.CLIENT, attributes, parent: context }, async (span) => {
    const metadata = { conversation_id: turn.sessionId, turn: String(turn.turn), user_id: turn.userId };
    const completion = await completeChat(modelUrl, { model, messages, metadata });
    span.setAttributes(completionAttributes(completion));
    const [choice] = completion.choices;
    if (choice === undefined) throw new Error('the model gave no choice');
    return choice.message;
  });
}

/** A tool that fails does not end the turn: the model is told and says what it can. */
async function useTool(
  wireCall: WireToolCall,
  { tracer, seed, turn, context }: Step & { turn: Turn },
): Promise<ChatMessage> {
  const call = toToolCall(wireCall);
  const step = { name: `execute_tool ${call.name}`, attributes: toolAttributes(call), parent: context };
  const message = (result: unknown) => ({
    role: 'tool' as const,
    tool_call_id: call.id,
    content: JSON.stringify(result),
  });
  try {
    return await inSpan(tracer, step, async (span) => {
      const result = await runTool(call, { seed, place: `${turn.sessionId}/${turn.turn}` });
      span.setAttributes(toolResultAttributes(result));
      return message(result);
    });
  } catch (error) {
    if (error instanceof ToolFailedError) return message({ error: error.message });
    throw error;
  }
}
