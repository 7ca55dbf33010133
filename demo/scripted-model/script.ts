import type { ChatMessage, ChatRequest } from '../support-agent/model-client.ts';

/** What the script says next: a tool to call, or the answer. */
export type ScriptedReply =
  | { readonly tool: string; readonly arguments: Readonly<Record<string, string>> }
  | { readonly answer: string };

interface Scene {
  readonly question: RegExp;
  /** The tool to call first, if the question needs one. */
  readonly tool?: (found: RegExpExecArray, userId: string) => Extract<ScriptedReply, { tool: string }>;
  /** The answer from what the tool found. */
  readonly answer: (result: Readonly<Record<string, unknown>>) => string;
}

const orderTool = (tool: string) => (found: RegExpExecArray) => ({ tool, arguments: { order_id: found[1] ?? '' } });
const customerTool = (_: RegExpExecArray, userId: string) => ({
  tool: 'lookup_customer',
  arguments: { user_id: userId },
});

const scenes: readonly Scene[] = [
  {
    question: /(?:where is|track|carrier of) (?:my )?order (A-\d+)/i,
    tool: orderTool('track_parcel'),
    answer: ({ order_id, carrier, state, due_in_days }) =>
      state === 'delivered'
        ? `${carrier} delivered order ${order_id} already. If you did not get it, please ask your neighbours first and come back to me.`
        : `Order ${order_id} is ${state} with ${carrier} and should reach you in ${due_in_days} working days.`,
  },
  {
    question: /return .* order (A-\d+)/i,
    tool: orderTool('lookup_order'),
    answer: ({ item }) =>
      `You can return the ${item} within 30 days of delivery if it is unused. Start the return in your account and print the label; the refund reaches your card five working days after the parcel is back with us.`,
  },
  {
    question: /(?:look up|pay for) order (A-\d+)/i,
    tool: orderTool('lookup_order'),
    answer: ({ orderId, item, priceUsd }) => `You paid US$ ${priceUsd} for the ${item} of order ${orderId}.`,
  },
  {
    question: /which e-mail address/i,
    tool: customerTool,
    answer: ({ email }) => `I have sent the invoice again to ${email}. It should arrive within a few minutes.`,
  },
  {
    question: /which card/i,
    tool: customerTool,
    answer: ({ name, card }) => `We charged the card ${card} of ${name} on the day of shipping.`,
  },
  {
    question: /delivery address of (?:his|her|their) order/i,
    answer: () =>
      "I'm sorry, but I can't help with the orders of other customers. Please ask your neighbour to contact us.",
  },
  { question: /explain everything/i, answer: () => everythingWeKnow },
  {
    question: /refund take/i,
    answer: () => 'The refund reaches your card five working days after the parcel is back with us.',
  },
  {
    question: /warranty/i,
    answer: () => 'Yes: every item carries a warranty of two years against faults of material and making.',
  },
  { question: /thank/i, answer: () => 'You are welcome!' },
];

const everythingWeKnow = [
  'An unused item can be returned within 30 days of delivery. Start the return in your account, print the label and hand the parcel to the carrier; keep the receipt that you get there until the refund has arrived.',
  'The refund goes to the card that was charged and reaches it five working days after the parcel is back with us. Shipping is refunded as well when the whole order comes back.',
  'Every item carries a warranty of two years against faults of material and making. Wear, drops and water are not covered, and neither are repairs that were tried elsewhere.',
  'For a repair, open a case in your account and describe the fault, with a picture if you can. We answer within one working day, send a label, and repairs take about ten working days from the day the item reaches the workshop.',
  'If an item cannot be repaired we replace it, and where there is no replacement we refund what you paid.',
].join('\n\n');

/** The next line of a conversation: by the customer's last question, and by what the tool found if it was called. */
export function scriptedReply({ messages, metadata }: Pick<ChatRequest, 'messages' | 'metadata'>): ScriptedReply {
  const asked = messages.findLastIndex(({ role }) => role === 'user');
  const question = messages[asked]?.content ?? '';
  const found = scenes.map((scene) => ({ scene, match: scene.question.exec(question) })).find(({ match }) => match);
  if (!found?.match) return { answer: 'Could you tell me the number of your order, please?' };
  const { scene, match } = found;
  const result = messages.slice(asked).find(isToolResult);
  if (scene.tool && result === undefined) return scene.tool(match, metadata.user_id);
  return { answer: fromResult(scene, result?.content) };
}

function isToolResult(message: ChatMessage): message is Extract<ChatMessage, { role: 'tool' }> {
  return message.role === 'tool';
}

function fromResult(scene: Scene, content = '{}'): string {
  const result = JSON.parse(content) as Record<string, unknown>;
  return 'error' in result
    ? `I could not find that out just now (${String(result.error)}). Please try again in a while.`
    : scene.answer(result);
}
