import { expect, it } from 'vitest';
import { bedrockModels, judgeModelsConfig, judgeModelsText } from '../../../shared/contracts/judge-models-config.ts';

const haiku = 'bedrock:/us.anthropic.claude-haiku-4-5-20251001-v1:0';

it('takes what a stage says of its models', () => {
  const config = {
    default: haiku,
    aliases: { 'gateway:/fast': 'openai:/gpt-4.1-mini', databricks: haiku },
    providers: {
      openai: {},
      azure: {
        api: 'openai',
        baseUrl: 'https://x.openai.azure.com/openai/v1?api-version=preview',
        keyHeader: 'api-key',
      },
      vllm: { api: 'openai', baseUrl: 'http://10.0.0.1:8000/v1', secret: null, headers: { 'x-team': 'qa' } },
    },
    models: { 'vllm:/qwen': { contextTokens: 16_000, output: 'tool' } },
    timeoutSeconds: 30,
  };
  expect(judgeModelsConfig.parse(config)).toEqual(config);
  expect(judgeModelsText.parse(JSON.stringify(config))).toEqual(config);
});

it.each([
  [{ default: 'gpt-4o' }, 'default', '"gpt-4o" is no model URI'],
  [{ aliases: { a: 'b:/c', 'x:/y': 'a' } }, 'aliases.x:/y', 'is no model URI'],
  [{ aliases: { 'a:/a': 'b:/b', 'b:/b': 'c:/c' } }, 'aliases.a:/a', 'b:/b is an alias itself'],
  [{ providers: { vllm: { api: 'openai' } } }, 'providers.vllm', 'expected baseUrl'],
  [{ providers: { vllm: { baseUrl: 'https://x/v1' } } }, 'providers.vllm', 'expected api'],
  [{ providers: { bedrock: {} } }, 'providers.bedrock', 'its models go under models'],
  [{ providers: { openai: { secret: 'sk-abcdefgh' } } }, 'providers.openai.secret', 'never a key itself'],
  [{ providers: { openai: { apiKey: 'sk-abcdefgh' } } }, 'providers.openai', 'Unrecognized key'],
  [
    { providers: { openai: { headers: { Authorization: 'Bearer x' } } } },
    'providers.openai.headers.Authorization',
    'Invalid key',
  ],
  [{ providers: { openai: { baseUrl: 'https://user:secret@x/v1' } } }, 'providers.openai.baseUrl', 'no credentials'],
  [{ providers: { openai: { baseUrl: 'ftp://x' } } }, 'providers.openai.baseUrl', 'Invalid URL'],
  [{ models: { [haiku]: { contextTokens: 10 } } }, `models.${haiku}.contextTokens`, '>=2000'],
  [{ timeoutSeconds: 120 }, 'timeoutSeconds', '<=100'],
  [{ unknown: 1 }, '', 'Unrecognized key'],
])('says what is wrong with %o', (config, path, message) => {
  const { error } = judgeModelsConfig.safeParse(config);
  expect(error?.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message }))).toContainEqual({
    path,
    message: expect.stringContaining(message),
  });
  expect(JSON.stringify(error)).not.toMatch(/sk-abcdefgh|user:secret/);
});

it('says that a text is no JSON', () => {
  expect(judgeModelsText.safeParse('{').error?.issues).toEqual([expect.objectContaining({ message: 'expected JSON' })]);
});

it('names the models of Bedrock that judges may call, each once', () => {
  const config = judgeModelsConfig.parse({
    default: haiku,
    aliases: { a: haiku, b: 'bedrock:/openai.gpt-oss-20b-1:0', c: 'openai:/gpt-4o' },
    models: { 'bedrock:/arn:aws:bedrock:us-east-1:1:application-inference-profile/abc': {}, 'openai:/gpt-4.1': {} },
  });
  expect(bedrockModels(config)).toEqual([
    'arn:aws:bedrock:us-east-1:1:application-inference-profile/abc',
    'openai.gpt-oss-20b-1:0',
    'us.anthropic.claude-haiku-4-5-20251001-v1:0',
  ]);
});
