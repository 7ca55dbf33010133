import { describe, expect, it } from 'vitest';
import { modelCost, modelPrice } from '../../../../shared/domain/facts/model-price.ts';

describe('the price of a model', () => {
  it.each([
    ['gpt-4o-mini-2024-07-18', 'gpt-4o-mini'],
    ['openai/gpt-4o-2024-08-06', 'gpt-4o'],
    ['bedrock:/global.anthropic.claude-haiku-4-5-20251001-v1:0', 'claude-haiku-4-5'],
    ['openai:/gpt-4.1-mini', 'gpt-4.1-mini'],
    ['us.anthropic.claude-3-haiku-20240307-v1:0', 'claude-3-haiku'],
    ['qwen.qwen3-32b-v1:0', 'qwen3-32b'],
    ['global.anthropic.claude-sonnet-4-5-20250929-v1:0', 'claude-sonnet-4-5'],
    ['openai.gpt-oss-20b-1:0', 'gpt-oss-20b'],
    ['amazon.nova-lite-v1:0', 'nova-lite'],
    ['models/gemini-2.5-pro', 'gemini-2.5-pro'],
    ['mistral-large-latest', 'mistral-large'],
  ])('of %s is that of %s', (spelled, model) => {
    expect(modelPrice(model)).toBeDefined();
    expect(modelPrice(spelled)).toBe(modelPrice(model));
  });

  it.each(['us', 'eu', 'jp', 'au', 'ca', 'apac'])(
    'of a profile of %s is what keeping to a geography costs',
    (geography) => {
      const regional = modelPrice(`bedrock:/${geography}.anthropic.claude-haiku-4-5-20251001-v1:0`);
      expect(regional).toEqual({ input: 1.1, output: 5.5, cacheRead: 0.11, cacheWrite: 1.375 });
    },
  );

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
