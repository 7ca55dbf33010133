import { expect, it } from 'vitest';
import { modelLimits } from '../../../../shared/domain/judging/model-limits.ts';
import { parseModelUri } from '../../../../shared/domain/judging/model-uri.ts';

it.each([
  ['gpt-4o-mini-2024-07-18', 128_000, 'schema'],
  ['gpt-4', 8_192, 'tool'],
  ['gpt-4.1-mini', 1_047_576, 'schema'],
  ['us.anthropic.claude-haiku-4-5-20251001-v1:0', 200_000, 'schema'],
  ['anthropic.claude-3-haiku-20240307-v1:0', 200_000, 'tool'],
  ['claude-sonnet-4-20250514', 200_000, 'tool'],
  ['global.amazon.nova-2-lite-v1:0', 1_000_000, 'tool'],
  ['eu.amazon.nova-micro-v1:0', 128_000, 'tool'],
  ['ca.amazon.nova-lite-v1:0', 300_000, 'tool'],
  ['openai.gpt-oss-20b-1:0', 128_000, 'schema'],
  ['databricks-claude-sonnet-4-5', 200_000, 'schema'],
  ['databricks-meta-llama-3-3-70b-instruct', 32_000, 'schema'],
  ['us.meta.llama3-3-70b-instruct-v1:0', 128_000, 'tool'],
  ['accounts/fireworks/models/qwen3-32b', 128_000, 'schema'],
  ['something-new', 32_000, 'schema'],
])('%s holds %s tokens and answers by %s', (model, contextTokens, output) => {
  expect(modelLimits(model)).toMatchObject({ contextTokens, output });
});

it('does as it is configured', () => {
  expect(modelLimits('gpt-4o', { contextTokens: 1_000, sampling: false })).toMatchObject({
    contextTokens: 1_000,
    sampling: false,
    output: 'schema',
  });
});

it.each([
  ['bedrock:/us.amazon.nova-micro-v1:0', { provider: 'bedrock', model: 'us.amazon.nova-micro-v1:0' }],
  ['OpenAI:/gpt-4o', { provider: 'openai', model: 'gpt-4o' }],
  ['openai://gpt-4o', { provider: 'openai', model: 'gpt-4o' }],
  ['databricks', undefined],
  ['openai:gpt-4o', undefined],
  ['openai:/', undefined],
  ['openai:/a b', undefined],
  [`openai:/${'x'.repeat(501)}`, undefined],
])('reads %s as %o', (text, expected) => {
  expect(parseModelUri(text)).toEqual(expected);
});
