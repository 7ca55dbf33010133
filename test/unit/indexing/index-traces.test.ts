import { describe, expect, it } from 'vitest';
import { otlpTraceCodec } from '../../../shared/adapters/otlp-trace-codec.ts';
import { type JsonSpan, spanIdOf, spansMessage } from '../../support/in-memory/bodies.ts';
import type { InMemoryStack } from '../../support/in-memory/in-memory-stack.ts';
import { aRule, aStack, aTrace, idOf } from './support.ts';

const minute = 60_000;

async function arrive(stack: InMemoryStack, requests: readonly (readonly JsonSpan[])[], experimentId = '0') {
  for (const spans of requests) stack.send(spansMessage(spans, { experimentId, receivedAt: stack.nowMs }));
  await stack.drain();
}

function infoOf(stack: InMemoryStack, n = 0) {
  const info = stack.index.entries.get(idOf(n))?.info;
  if (!info) throw new Error(`trace ${n} is not indexed`);
  return info;
}

/** Span ids that the trace's blocks hold. */
function storedSpans(stack: InMemoryStack, n = 0): readonly string[] {
  const blocks = infoOf(stack, n).blocks.map(({ key, offset, length }) =>
    otlpTraceCodec.decompress((stack.objects.get(key) as Uint8Array).subarray(offset, offset + length)),
  );
  return otlpTraceCodec.decode(otlpTraceCodec.merge(blocks)).map(({ span }) => span.spanId);
}

describe('a trace that arrives in one request', () => {
  it('is complete, indexed and archived, each span once', async () => {
    const stack = aStack();
    await arrive(stack, [aTrace(0)]);
    expect(infoOf(stack)).toMatchObject({
      completeness: 'complete',
      revision: 1,
      facts: { spanCount: 3, durationMs: 3000, errorCount: 1 },
    });
    expect(stack.archived.spans.map(({ span }) => span.spanId).toSorted()).toEqual([0, 1, 2].map(spanIdOf));
    expect(stack.archived.traces).toHaveLength(1);
  });

  it('is decided in the same write where no rate reaches its coordinate', async () => {
    const stack = aStack([aRule({ sampleRate: 0.000001 })]);
    await arrive(stack, [aTrace(0)]);
    expect(infoOf(stack)).toMatchObject({ revision: 1, decision: { rulesVersion: 3, selected: [] } });
    expect(stack.requested).toEqual([]);
  });

  it('is evaluated after it has settled where a rule selects it', async () => {
    const stack = aStack([aRule({ name: 'a' }), aRule({ name: 'b', filter: "status = 'ERROR'" })]);
    await arrive(stack, [aTrace(0)]);
    expect(infoOf(stack).decision?.selected).toEqual(['a']);
    expect(stack.requested).toMatchObject([
      { traceId: idOf(0), rulesVersion: 3, scorers: [{ name: 'a', version: 1, sampleRate: 1 }] },
    ]);
    expect([...(stack.index.entries.get(idOf(0))?.assessments.values() ?? [])]).toMatchObject([
      { name: 'a', value: 'no' },
    ]);
  });
});

describe('a trace that arrives in parts', () => {
  it('becomes the same whatever the order and the split', async () => {
    const [root, chat, tool] = aTrace(0);
    const whole = aStack();
    await arrive(whole, [[root, chat, tool]]);
    for (const requests of [
      [[tool], [root], [chat]],
      [[chat, tool], [root]],
      [[root], [chat], [chat], [tool, root]],
    ]) {
      const stack = aStack();
      for (const request of requests) await arrive(stack, [request]);
      expect(infoOf(stack).facts).toEqual(infoOf(whole).facts);
      expect(infoOf(stack).completeness).toBe('complete');
      expect(infoOf(stack).blocks).toHaveLength(1);
      expect(storedSpans(stack).toSorted()).toEqual([0, 1, 2].map(spanIdOf));
    }
  });

  it('is settled by one message however many requests bring it', async () => {
    const stack = aStack();
    const children = Array.from({ length: 300 }, (_, i) => ({ ...aTrace(0)[1], spanId: spanIdOf(i + 1) }));
    await arrive(stack, [aTrace(0).slice(0, 1), ...children.map((child) => [child])]);
    expect(infoOf(stack)).toMatchObject({ facts: { spanCount: 301 }, completeness: 'complete' });
    expect(infoOf(stack).revision).toBeLessThan(6);
  });

  it('changes nothing when a batch of spans is sent again', async () => {
    const stack = aStack();
    await arrive(stack, [aTrace(0)]);
    const before = infoOf(stack);
    await arrive(stack, [aTrace(0)]);
    expect(infoOf(stack)).toEqual(before);
  });

  it('is extended by late spans and not judged again unless the experiment wants it', async () => {
    for (const rejudgeLateSpans of [false, true]) {
      const stack = aStack([aRule()], { rejudgeLateSpans });
      const [root, chat, tool] = aTrace(0);
      await arrive(stack, [[root, chat]]);
      stack.nowMs += 10 * minute;
      await arrive(stack, [[tool]]);
      expect(infoOf(stack).facts.spanCount).toBe(3);
      const assessments = [...(stack.index.entries.get(idOf(0))?.assessments.values() ?? [])];
      expect(assessments).toMatchObject([{ name: 'length', value: rejudgeLateSpans ? 'no' : 'yes' }]);
    }
  });
});

describe('a trace without a root', () => {
  it('stays open, then is closed as incomplete by the sweep after its idle time, and judged', async () => {
    const stack = aStack([aRule()]);
    await arrive(stack, [aTrace(0).slice(1)]);
    expect(infoOf(stack)).toMatchObject({ completeness: 'open', facts: { state: 'IN_PROGRESS' } });
    stack.nowMs += 14 * minute;
    await stack.sweep();
    await stack.drain();
    expect(infoOf(stack).completeness).toBe('open');
    stack.nowMs += 2 * minute;
    await stack.sweep();
    await stack.drain();
    expect(infoOf(stack)).toMatchObject({ completeness: 'incomplete', decision: { selected: ['length'] } });
    expect(infoOf(stack).dueAt).toBeUndefined();
    expect(stack.requested).toHaveLength(1);
  });

  it('completes when its root comes after all', async () => {
    const stack = aStack();
    const [root, ...children] = aTrace(0);
    await arrive(stack, [children]);
    stack.nowMs += 20 * minute;
    await stack.sweep();
    await stack.drain();
    await arrive(stack, [[root]]);
    expect(infoOf(stack)).toMatchObject({ completeness: 'complete', facts: { spanCount: 3, state: 'OK' } });
  });
});

describe('the owner of a trace', () => {
  it('is the experiment of its first span; spans of another key are kept apart', async () => {
    const stack = aStack();
    const [root, chat, tool] = aTrace(0);
    await arrive(stack, [[root, chat]], '7');
    await arrive(stack, [[tool]], '8');
    expect(infoOf(stack)).toMatchObject({ experimentId: '7', facts: { spanCount: 2 } });
    expect(stack.index.entries.get(idOf(0))?.foreign.size).toBe(1);
    expect(stack.archived.spans.map(({ experimentId, isForeign }) => ({ experimentId, isForeign }))).toContainEqual({
      experimentId: '8',
      isForeign: true,
    });
  });
});

describe('a poisoned batch', () => {
  it('costs only the message that is broken', async () => {
    const stack = aStack();
    stack.send(spansMessage(aTrace(0), { receivedAt: stack.nowMs }));
    stack.send({
      ...spansMessage(aTrace(1), { receivedAt: stack.nowMs }),
      body: Buffer.from([0x0a, 0xff]).toString('base64'),
    });
    stack.send(spansMessage(aTrace(2), { receivedAt: stack.nowMs }));
    await expect(stack.drain()).rejects.toThrow('fails for good');
    expect([0, 1, 2].map((n) => stack.index.entries.has(idOf(n)))).toEqual([true, false, true]);
  });
});
