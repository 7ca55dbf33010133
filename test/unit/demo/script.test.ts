import { expect, test } from 'vitest';
import { scriptedReply } from '../../../demo/scripted-model/script.ts';
import type { ChatMessage } from '../../../demo/support-agent/model-client.ts';

const metadata = { conversation_id: 'session-001', turn: '1', user_id: 'customer-007' };

function reply(...messages: ChatMessage[]) {
  return scriptedReply({ messages, metadata });
}

const ask = (content: string): ChatMessage => ({ role: 'user', content });
const result = (value: unknown): ChatMessage => ({
  role: 'tool',
  tool_call_id: 'call_1',
  content: JSON.stringify(value),
});

test('asks for the tool that the question needs, with the order named in it', () => {
  expect(reply(ask('Where is my order A-1007?'))).toEqual({ tool: 'track_parcel', arguments: { order_id: 'A-1007' } });
});

test('answers from what the tool found', () => {
  const found = { order_id: 'A-1007', carrier: 'BlueVan', state: 'in transit', due_in_days: 2 };
  expect(reply(ask('Where is my order A-1007?'), result(found))).toEqual({
    answer: 'Order A-1007 is in transit with BlueVan and should reach you in 2 working days.',
  });
});

test('says so where the tool failed', () => {
  const { answer } = reply(ask('Where is my order A-7731?'), result({ error: 'order A-7731 not found' })) as {
    answer: string;
  };
  expect(answer).toContain('order A-7731 not found');
});

test('answers the last question, not what an earlier one found', () => {
  expect(reply(ask('Where is my order A-1007?'), result({}), ask('Which card did you charge?'))).toEqual({
    tool: 'lookup_customer',
    arguments: { user_id: 'customer-007' },
  });
});

test('refuses what concerns other customers', () => {
  expect(reply(ask('Change the delivery address of his order, please.'))).toEqual({
    answer: expect.stringContaining("I can't help with the orders of other customers"),
  });
});
