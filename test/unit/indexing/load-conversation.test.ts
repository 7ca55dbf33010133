import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { loadConversation } from '../../../shared/domain/evaluating/load-conversation.ts';
import { type JsonSpan, spanIdOf } from '../../support/in-memory/bodies.ts';
import { aSessionStack, send, turn } from './session-support.ts';
import { idOf } from './support.ts';

const mebibyte = 1024 * 1024;

/** Turns whose root has so many MiB of inputs, with a model call of so many. */
async function load(turns: number, { root, call }: { root: number; call: number }) {
  const { stack } = aSessionStack();
  for (let n = 0; n < turns; n++) {
    const parent = turn(n, 's', { 'input.value': text(root) });
    const child = { ...parent, parentSpanId: parent.spanId, attributes: {} };
    const llm = { 'gen_ai.operation.name': 'chat', 'gen_ai.input.messages': text(call) };
    const tool = { 'gen_ai.operation.name': 'execute_tool' };
    const spans: JsonSpan[] = [
      parent,
      { ...child, spanId: spanIdOf(1), name: 'chat', attributes: llm },
      { ...child, spanId: spanIdOf(2), name: 'tool', attributes: tool },
    ];
    send(stack, ...spans);
    await stack.drain();
  }
  const infos = [...stack.index.entries.values()].map(({ info }) => info);
  const { traces, leftOut } = await loadConversation(infos, stack.judging());
  return { spans: traces.map(({ traceId, spans }) => [traceId, spans.map(({ span }) => span.name)]), leftOut };
}

function text(mebibytes: number): string {
  return randomBytes(mebibytes * mebibyte * 0.5).toString('hex');
}

const whole = ['turn', 'chat', 'tool'];

it('loads traces whole, in the order of time', async () => {
  expect(await load(3, { root: 0, call: 0 })).toEqual({
    spans: [0, 1, 2].map((n) => [idOf(n), whole]),
    leftOut: 0,
  });
});

it('loads of what is too much the first and the newest whole, and of the others what was said and what tools did', async () => {
  const { spans, leftOut } = await load(5, { root: 0.5, call: 2 });
  expect(spans).toEqual([
    [idOf(0), whole],
    [idOf(1), ['turn', 'tool']],
    [idOf(2), ['turn', 'tool']],
    [idOf(3), whole],
    [idOf(4), whole],
  ]);
  expect(leftOut).toBe(0);
});

it('leaves out of the middle what is still too much, and says how many', async () => {
  const { spans, leftOut } = await load(6, { root: 5, call: 0 });
  expect([spans.map(([id]) => id), leftOut]).toEqual([[idOf(0), idOf(3), idOf(4), idOf(5)], 2]);
});
