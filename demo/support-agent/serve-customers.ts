import { type AgentDeps, answerTurn } from './agent.ts';
import type { Conversation } from './conversations.ts';
import { type ChatMessage, ModelUnavailableError } from './model-client.ts';
import type { Telemetry } from './telemetry.ts';

export interface ServingOptions extends Omit<AgentDeps, 'tracer'> {
  readonly telemetry: Telemetry;
  /** Conversations held at the same time. */
  readonly atOnce: number;
  readonly signal: AbortSignal;
  /** Called after each turn. */
  onTurn(): void;
}

/** Holds all conversations, several at a time, each turn by turn. */
export async function serveCustomers(conversations: readonly Conversation[], options: ServingOptions): Promise<void> {
  const waiting = conversations.values();
  const desk = async () => {
    for (const conversation of waiting) await hold(conversation, options);
  };
  await Promise.all(Array.from({ length: options.atOnce }, desk));
}

async function hold({ sessionId, customer, turns }: Conversation, options: ServingOptions): Promise<void> {
  const { telemetry, signal, onTurn, ...deps } = options;
  const history: ChatMessage[] = [];
  for (const [index, question] of turns.entries()) {
    signal.throwIfAborted();
    const turn = { sessionId, userId: customer.userId, turn: index + 1, question, history: [...history] };
    const answer = await telemetry.inPlace(`${sessionId}/${index + 1}`, () =>
      orNothing(answerTurn(turn, { ...deps, tracer: telemetry.tracer })),
    );
    // A customer whose question failed asks the next one.
    if (answer !== undefined) history.push({ role: 'user', content: question }, { role: 'assistant', content: answer });
    onTurn();
  }
}

async function orNothing(answer: Promise<string>): Promise<string | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ModelUnavailableError) return undefined;
    throw error;
  }
}
