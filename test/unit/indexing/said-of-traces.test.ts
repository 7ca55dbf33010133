import { describe, expect, it } from 'vitest';
import type { TraceStatement } from '../../../shared/domain/explicit-facts.ts';
import { dyingAt, type Fate } from '../../support/dying-process.ts';
import { spansMessage } from '../../support/in-memory/bodies.ts';
import type { InMemoryStack } from '../../support/in-memory/in-memory-stack.ts';
import { aRule, aStack, aTrace, idOf } from './support.ts';

const ended: TraceStatement = {
  facts: { requestTime: Date.UTC(2026, 10, 21, 12), durationMs: 3_000, state: 'ERROR', clientRequestId: 'cr-1' },
  tags: { environment: 'production' },
  metadata: { 'mlflow.trace.session': 'said' },
  spanCount: 3,
};

function infoOf(stack: InMemoryStack, n = 0) {
  return stack.index.entries.get(idOf(n))?.info;
}

function sendSpans(stack: InMemoryStack, n = 0): void {
  stack.send(spansMessage(aTrace(n), { receivedAt: stack.nowMs }));
}

/** As in a user's eyes. */
function seen(stack: InMemoryStack) {
  const { facts, completeness, decision } = infoOf(stack) ?? {};
  return { facts, completeness, selected: decision?.selected };
}

describe('what the client says of a trace that has ended', () => {
  it('says the same whether it comes before the spans, after them, or between', async () => {
    const orders = [
      async (stack: InMemoryStack) => {
        await stack.start(idOf(0), ended);
        sendSpans(stack);
      },
      async (stack: InMemoryStack) => {
        sendSpans(stack);
        await stack.drain();
        await stack.start(idOf(0), ended);
      },
      async (stack: InMemoryStack) => {
        const [root, ...children] = aTrace(0);
        stack.send(spansMessage(children, { receivedAt: stack.nowMs }));
        await stack.drain();
        await stack.start(idOf(0), ended);
        stack.send(spansMessage([root], { receivedAt: stack.nowMs }));
      },
    ];
    const seenIn = [];
    for (const order of orders) {
      const stack = aStack([aRule({ filter: "tags.environment = 'production'" })]);
      await order(stack);
      await stack.drain();
      seenIn.push(seen(stack));
    }
    expect(seenIn[0]).toMatchObject({
      facts: {
        state: 'ERROR',
        clientRequestId: 'cr-1',
        spanCount: 3,
        tags: { environment: 'production' },
        toolCallCount: 1,
      },
      completeness: 'complete',
    });
    expect(seenIn[0]?.selected).toEqual(['length']);
    // What was judged at once, before the client had said anything, stays decided as it was.
    expect(seenIn[1]?.facts).toEqual(seenIn[0]?.facts);
    expect(seenIn[2]).toEqual(seenIn[0]);
  });

  it('is awaited in full: a trace with fewer spans than its client counted is not decided', async () => {
    const stack = aStack([aRule()]);
    const [root, chat, tool] = aTrace(0);
    await stack.start(idOf(0), ended);
    stack.send(spansMessage([root, chat], { receivedAt: stack.nowMs }));
    await stack.drain();
    expect(infoOf(stack)).toMatchObject({ completeness: 'open' });
    expect(infoOf(stack)?.decision).toBeUndefined();
    stack.send(spansMessage([tool], { receivedAt: stack.nowMs }));
    await stack.drain();
    expect(infoOf(stack)).toMatchObject({ completeness: 'complete', decision: { selected: ['length'] } });
  });

  it('is closed as incomplete after a while where the spans never come', async () => {
    const stack = aStack([aRule()]);
    await stack.start(idOf(0), ended);
    await stack.drain();
    stack.nowMs += 16 * 60_000;
    await stack.sweep();
    await stack.drain();
    expect(infoOf(stack)).toMatchObject({ completeness: 'incomplete', blocks: [], facts: { state: 'ERROR' } });
  });

  it('changes nothing when it is said twice', async () => {
    const stack = aStack();
    sendSpans(stack);
    await stack.start(idOf(0), ended);
    await stack.drain();
    const before = infoOf(stack);
    await stack.start(idOf(0), ended);
    expect(infoOf(stack)).toEqual(before);
  });

  it('reaches the archive', async () => {
    const stack = aStack();
    sendSpans(stack);
    await stack.drain();
    await stack.start(idOf(0), ended);
    await stack.tag(idOf(0), 'reviewed', 'yes');
    await stack.drain();
    expect(stack.archived.traces.at(-1)?.facts).toMatchObject({ state: 'ERROR', tags: { reviewed: 'yes' } });
  });
});

describe('tags', () => {
  it('stay when the trace grows, and stay deleted though a span says them', async () => {
    const stack = aStack();
    const [root, ...children] = aTrace(0);
    const said = { ...root, attributes: { 'mlflow.traceTag.team': 'search', 'mlflow.traceTag.tier': 'gold' } };
    stack.send(spansMessage([said], { receivedAt: stack.nowMs }));
    await stack.drain();
    await stack.tag(idOf(0), 'reviewed', 'yes');
    await stack.tag(idOf(0), 'tier', 'silver');
    await stack.untag(idOf(0), 'team');
    stack.send(spansMessage(children, { receivedAt: stack.nowMs }));
    await stack.drain();
    expect(infoOf(stack)?.facts).toMatchObject({ spanCount: 3 });
    expect(infoOf(stack)?.facts.tags).toEqual({ tier: 'silver', reviewed: 'yes' });
  });

  it.each(['before', 'after'] as const)(
    'end the same wherever who sets them dies, just %s a call, and asks again',
    async (when) => {
      const run = async (fate: Fate) => {
        const stack = aStack([aRule()]);
        sendSpans(stack);
        await stack.drain();
        // A client repeats what it has no answer to.
        await stack.tag(idOf(0), 'reviewed', 'yes', fate).catch(() => stack.tag(idOf(0), 'reviewed', 'yes'));
        await stack.drain();
        stack.nowMs += 60_000;
        await stack.sweep();
        await stack.drain();
        return [seen(stack), stack.archived.traces.at(-1)?.facts, infoOf(stack)?.dueAt];
      };
      let calls = 0;
      const expected = await run(() => void calls++);
      for (let deadly = 1; deadly <= calls; deadly++) {
        expect(await run(dyingAt(deadly, when)), `death ${when} call ${deadly}`).toEqual(expected);
      }
    },
  );
});

describe('a deleted trace', () => {
  it('is gone with its spans, and its neighbours in the segment are not', async () => {
    const stack = aStack();
    stack.send(spansMessage([...aTrace(0), ...aTrace(1)], { receivedAt: stack.nowMs }));
    await stack.drain();
    const refs = infoOf(stack, 0)?.blocks ?? [];
    expect(await stack.delete(idOf(0))).toBe(1);
    expect(await stack.delete(idOf(0))).toBe(0);
    expect(await stack.index.readTrace(idOf(0))).toBeUndefined();
    for (const { key, offset, length } of refs)
      expect(
        stack.objects
          .get(key)
          ?.subarray(offset, offset + length)
          .every((byte) => byte === 0),
      ).toBe(true);
    const [neighbour] = infoOf(stack, 1)?.blocks ?? [];
    const bytes = stack.objects.get(neighbour?.key ?? '')?.subarray(neighbour?.offset);
    expect(bytes?.some((byte) => byte !== 0)).toBe(true);
  });

  it('is revived neither by spans that come late or again, nor by its client', async () => {
    const stack = aStack([aRule()]);
    const [root, ...children] = aTrace(0);
    stack.send(spansMessage([root], { receivedAt: stack.nowMs }));
    await stack.drain();
    await stack.delete(idOf(0));
    const rows = stack.archived.spans.length;
    stack.send(spansMessage([root], { receivedAt: stack.nowMs }));
    stack.send(spansMessage([...children, ...aTrace(1)], { receivedAt: stack.nowMs }));
    await stack.drain();
    await expect(stack.start(idOf(0), ended)).rejects.toMatchObject({ code: 'RESOURCE_DOES_NOT_EXIST' });
    await expect(stack.tag(idOf(0), 'a', 'b')).rejects.toMatchObject({ code: 'RESOURCE_DOES_NOT_EXIST' });
    expect(infoOf(stack)).toBeUndefined();
    expect(infoOf(stack, 1)).toMatchObject({ completeness: 'complete' });
    expect(stack.archived.spans.slice(rows).every(({ span }) => `tr-${span.traceId}` === idOf(1))).toBe(true);
    const zeros = [...stack.objects.values()].map((bytes) => bytes.filter((byte) => byte === 0).length);
    expect(zeros.filter((count) => count > 50).length, 'segments with erased blocks').toBe(2);
  });

  it.each(['before', 'after'] as const)('goes in the end wherever its deleter dies, just %s a call', async (when) => {
    for (let deadly = 1; deadly < 20; deadly++) {
      const stack = aStack();
      sendSpans(stack);
      await stack.drain();
      const count = await stack.delete(idOf(0), dyingAt(deadly, when)).catch(() => undefined);
      if (count !== undefined) {
        expect(deadly).toBeGreaterThan(4);
        return;
      }
      // Either nothing was done yet, and its client asks again, or the sweep finishes it.
      stack.nowMs += 2 * 60_000;
      await stack.sweep();
      await stack.drain();
      if (stack.index.entries.has(idOf(0))) await stack.delete(idOf(0));
      expect([...stack.index.tombstones], `death ${when} call ${deadly}`).toEqual([[idOf(0), undefined]]);
      expect(stack.index.due(Number.MAX_SAFE_INTEGER)).toEqual([]);
    }
    throw new Error('the deletion never came to its end');
  });
});
