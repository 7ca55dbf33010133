import { describe, expect, it } from 'vitest';
import { modelCost, modelPrice } from '../../../../shared/domain/facts/model-price.ts';

describe('the price of a model', () => {
  it.each([
    ['gpt-4o-mini-2024-07-18', 'gpt-4o-mini'],
    ['openai/gpt-4o-2024-08-06', 'gpt-4o'],
    ['us.anthropic.claude-haiku-4-5-20251001-v1:0', 'claude-haiku-4-5'],
    ['global.anthropic.claude-sonnet-4-5-20250929-v1:0', 'claude-sonnet-4-5'],
    ['openai.gpt-oss-20b-1:0', 'gpt-oss-20b'],
    ['amazon.nova-lite-v1:0', 'nova-lite'],
    ['models/gemini-2.5-pro', 'gemini-2.5-pro'],
    ['mistral-large-latest', 'mistral-large'],
  ])('of %s is that of %s', (spelled, model) => {
    expect(modelPrice(model)).toBeDefined();
    expect(modelPrice(spelled)).toBe(modelPrice(model));
  });

  it('of a snapshot that the list names is its own', () => {
    expect(modelPrice('gpt-4o-2024-05-13')).toEqual({ input: 5, output: 15 });
  });

  it.each(['gpt-4o-audio-preview', 'ft:gpt-4o-mini-2024-07-18:acme::1', 'llama-99', ''])(
    'of %j is unknown',
    (model) => {
      expect(modelCost(model, { inputTokens: 1, outputTokens: 1, totalTokens: 2 })).toBeUndefined();
    },
  );

  it('counts cached tokens once, at their own price', () => {
    const tokens = { inputTokens: 3_000_000, outputTokens: 0, totalTokens: 3_000_000 };
    const cached = { ...tokens, cacheReadInputTokens: 1_000_000, cacheCreationInputTokens: 1_000_000 };
    expect(modelCost('claude-haiku-4-5', cached)?.inputCost).toBeCloseTo(1 + 0.1 + 1.25);
  });
});
