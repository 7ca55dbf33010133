import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deriveTraceFacts } from '../../../../shared/domain/facts/derive-trace-facts.ts';
import { aSpanWithFacts } from '../../../support/builders/a-span.ts';

const usage = (input: number, output: number) => ({
  'gen_ai.usage.input_tokens': input,
  'gen_ai.usage.output_tokens': output,
});
const chat = { 'gen_ai.operation.name': 'chat' };
const agent = { 'gen_ai.operation.name': 'invoke_agent' };
const root = aSpanWithFacts({ spanId: 'a'.repeat(16), attributes: { ...agent, ...usage(30, 12) } });
const calls = [
  aSpanWithFacts({
    spanId: 'b'.repeat(16),
    parentSpanId: 'a'.repeat(16),
    attributes: { ...chat, ...usage(10, 5), 'input.value': 'ask' },
  }),
  aSpanWithFacts({
    spanId: 'c'.repeat(16),
    parentSpanId: 'a'.repeat(16),
    attributes: { ...chat, ...usage(20, 7), 'output.value': 'told' },
  }),
];

describe('deriveTraceFacts', () => {
  it('does not depend on the order of the spans', () => {
    const spans = [root, ...calls, aSpanWithFacts({ spanId: 'd'.repeat(16), attributes: { 'session.id': 's' } })];
    const expected = deriveTraceFacts(spans);
    fc.assert(
      fc.property(fc.shuffledSubarray(spans, { minLength: spans.length }), (shuffled) => {
        expect(deriveTraceFacts(shuffled)).toEqual(expected);
      }),
    );
  });

  it('does not count again what an agent repeats of the calls below it', () => {
    expect(deriveTraceFacts([root, ...calls]).tokens).toEqual({ inputTokens: 30, outputTokens: 12, totalTokens: 42 });
  });

  it('counts a wrapper of one call once', () => {
    const [inner] = calls;
    const wrapper = aSpanWithFacts({ spanId: 'a'.repeat(16), attributes: { ...chat, ...usage(10, 5) } });
    expect(deriveTraceFacts([wrapper, inner as never]).tokens?.totalTokens).toBe(15);
  });

  it('ends where spans name each other as parents', () => {
    const one = aSpanWithFacts({ spanId: '1'.repeat(16), parentSpanId: '2'.repeat(16), attributes: usage(1, 1) });
    const two = aSpanWithFacts({ spanId: '2'.repeat(16), parentSpanId: '1'.repeat(16) });
    expect(deriveTraceFacts([one, two])).toMatchObject({ spanCount: 2, complete: false, state: 'IN_PROGRESS' });
  });

  it('previews what the calls say where the root says nothing', () => {
    expect(deriveTraceFacts([root, ...calls])).toMatchObject({ requestPreview: 'ask', responsePreview: 'told' });
  });

  it('cuts previews of any text at a character, within 300 bytes and without NUL', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'é', '語', '😀', '\0'), minLength: 90, maxLength: 400 });
    fc.assert(
      fc.property(text, (given) => {
        const span = aSpanWithFacts({ attributes: { 'input.value': given } });
        const preview = deriveTraceFacts([span]).requestPreview ?? '';
        expect(Buffer.byteLength(preview)).toBeLessThanOrEqual(300);
        expect(given.replaceAll('\0', '').startsWith(preview)).toBe(true);
      }),
    );
  });

  it('is never of negative duration', () => {
    expect(deriveTraceFacts([aSpanWithFacts({ endTimeUnixNano: 5n })]).durationMs).toBe(0);
  });

  it('reads session, user, tags and service of the root', () => {
    const attributes = { 'session.id': 's-1', 'user.id': 'u-1', 'mlflow.traceTag.team': '"red"' };
    const resource = { attributes: { 'service.name': 'shop' } };
    expect(deriveTraceFacts([aSpanWithFacts({ attributes, resource })])).toMatchObject({
      sessionId: 's-1',
      userId: 'u-1',
      tags: { team: 'red' },
      metadata: { 'service.name': 'shop' },
    });
  });

  it('is ERROR where the root ended so', () => {
    const failed = aSpanWithFacts({ status: { code: 'ERROR', message: 'down' } });
    expect(deriveTraceFacts([failed])).toMatchObject({ state: 'ERROR', errorCount: 1, complete: true });
  });
});

describe('what a sender can put into the index', () => {
  it('is bounded, whatever the root span says', () => {
    const long = 'x'.repeat(500_000);
    const tags = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`mlflow.traceTag.${i}`, long]));
    const facts = deriveTraceFacts([
      aSpanWithFacts({ name: long, attributes: { ...tags, 'session.id': long, 'user.id': long, 'input.value': long } }),
    ]);
    // DynamoDB holds 400 KB an item.
    expect(JSON.stringify(facts).length).toBeLessThan(300_000);
  });
});

describe('what came out of a trace', () => {
  const tool = aSpanWithFacts({
    spanId: 'b'.repeat(16),
    parentSpanId: 'a'.repeat(16),
    attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.call.result': 'found in the shelf' },
  });

  it('is not what a tool found: a trace that failed before it answered has no answer', () => {
    expect(deriveTraceFacts([aSpanWithFacts({ spanId: 'a'.repeat(16) }), tool])).not.toHaveProperty('responsePreview');
  });

  it('is not what a model wanted to call before it could answer', () => {
    const wanted = JSON.stringify([
      { role: 'assistant', parts: [{ type: 'tool_call', id: '1', name: 'look', arguments: '{}' }] },
    ]);
    const attributes = { ...chat, 'gen_ai.output.messages': wanted };
    const asking = aSpanWithFacts({ spanId: 'd'.repeat(16), parentSpanId: 'a'.repeat(16), attributes });
    expect(deriveTraceFacts([root, asking, tool])).not.toHaveProperty('responsePreview');
    expect(deriveTraceFacts([root, asking, tool, ...calls]).responsePreview).toBe('told');
  });

  it('is what the last call of a model said, where the root says nothing', () => {
    expect(deriveTraceFacts([aSpanWithFacts({ spanId: 'a'.repeat(16) }), tool, ...calls]).responsePreview).toBe('told');
  });
});
