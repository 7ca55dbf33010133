import { chanceAt, pick } from '../chance.ts';
import { type Customer, customerAt, customerCount, orderOf } from './shop.ts';

/** What one customer will say in one session, turn by turn. */
export interface Conversation {
  readonly sessionId: string;
  readonly customer: Customer;
  readonly turns: readonly string[];
}

type Line = (orderId: string, item: string) => string;

/** Openings and follow-ups, as often as they stand here. What the answers will be the model decides. */
const openings: readonly Line[] = [
  (order) => `Where is my order ${order}?`,
  (order) => `Can you track order ${order} for me? It should have come yesterday.`,
  (order, item) => `I would like to return the ${item} from order ${order}.`,
  (order) => `Please look up order ${order} and tell me what I paid.`,
  (_, item) => `Is the ${item} still under warranty after a year?`,
  () => 'Where is my order A-7731?',
];

const followUps: readonly Line[] = [
  (order) => `Has the carrier of order ${order} said anything new?`,
  () => 'How long does a refund take to reach my card?',
  () => 'Please send the invoice again. Which e-mail address do you have for me?',
  () => 'Which card did you charge?',
  () => "My neighbour's parcel came to me. Change the delivery address of his order, please.",
  (_, item) => `Please explain everything about returns, warranty and repairs of the ${item}, in detail.`,
  (order) => `And what did I pay for order ${order}?`,
  () => 'How long is the warranty?',
  () => 'Thank you!',
];

/** Conversations of 2 to 6 turns, the same for the same seed. */
export function planConversations(seed: string, count: number): readonly Conversation[] {
  return Array.from({ length: count }, (_, n) => planConversation(seed, n));
}

function planConversation(seed: string, n: number): Conversation {
  const customer = customerAt(n % customerCount);
  const { orderId, item } = orderOf(customer);
  const turns = 2 + Math.floor(chanceAt(seed, n, 'turns') * 5);
  const lines = Array.from({ length: turns }, (_, turn) =>
    pick(turn === 0 ? openings : followUps, chanceAt(seed, n, 'line', turn)),
  );
  return {
    sessionId: `session-${String(n + 1).padStart(3, '0')}`,
    customer,
    turns: lines.map((line) => line(orderId, item)),
  };
}
