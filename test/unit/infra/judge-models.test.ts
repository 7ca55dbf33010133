import { Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../infra/config.ts';
import { judgeModelsText } from '../../../shared/contracts/judge-models-config.ts';
import { synthesizedApp } from '../../support/synth.ts';
import { testApp } from '../../support/test-app.ts';

const judgeModels = {
  aliases: { 'gateway:/fast': 'openai:/gpt-4.1-mini', databricks: 'bedrock:/openai.gpt-oss-20b-1:0' },
  providers: {
    openai: {},
    vllm: { api: 'openai', baseUrl: 'https://models.example.com/v1', secret: null },
    theirs: { api: 'anthropic', baseUrl: 'https://x.example.com/v1', secret: 'team/llm-key' },
  },
};
const context = { judgeModels: JSON.stringify(judgeModels) };
const { storage, monitoring } = synthesizedApp(context);

describe('keys of providers', () => {
  it('lie in secrets that are made empty, one for each provider that needs one and names none', () => {
    const secrets = Object.values(storage.findResources('AWS::SecretsManager::Secret'));
    expect(secrets).toEqual([
      expect.objectContaining({
        DeletionPolicy: 'Retain',
        Properties: { Name: 'assay/Assay/openai', Description: expect.any(String) },
      }),
    ]);
  });

  it('go with an ephemeral stack', () => {
    synthesizedApp({ ...context, ephemeral: 'true' }).storage.hasResource('AWS::SecretsManager::Secret', {
      DeletionPolicy: 'Delete',
    });
  });

  it('cost nothing where no provider is configured', () => {
    synthesizedApp().storage.resourceCountIs('AWS::SecretsManager::Secret', 0);
  });
});

describe('the function that judges', () => {
  it('is told the models and where keys lie, and no key', () => {
    const functions = Object.values(monitoring.findResources('AWS::Lambda::Function'));
    const texts = functions.flatMap(({ Properties }) => Properties.Environment?.Variables?.JUDGE_MODELS ?? []);
    expect(texts).toHaveLength(1);
    expect(judgeModelsText.parse(texts[0])).toMatchObject({
      default: expect.stringMatching(/^bedrock:\/global\./),
      aliases: judgeModels.aliases,
      providers: {
        openai: { secret: 'assay/Assay/openai' },
        vllm: { secret: null },
        theirs: { secret: 'team/llm-key' },
      },
    });
  });
});

it('is deployed without a finding of validation or cdk-nag', () => {
  const { app } = synthesizedApp(context);
  Validations.of(app).addPlugins(new AwsSolutionsChecks());
  expect(() => app.synth({ force: true })).not.toThrow();
});

it.each([
  ['{', 'judgeModels must be JSON'],
  ['{"default":"gpt-4o"}', 'default: "gpt-4o" is no model URI'],
  ['{"providers":{"openai":{"secret":"sk-1234567890"}}}', 'providers.openai.secret: expected the name'],
  ['{"openai":{}}', 'judgeModels: Unrecognized key'],
  [JSON.stringify({ aliases: { a: `b:/${'x'.repeat(490)}`, ...many() } }), 'expected at most 3000'],
])('says what is wrong with %s', (text, message) => {
  expect(() => readConfig(testApp({ judgeModels: text }).node)).toThrow(message);
});

it('takes an object as cdk.json has it', () => {
  const config = readConfig(testApp({ judgeModels: { default: 'bedrock:/amazon.nova-micro-v1:0' } }).node);
  expect(config.judgeModels.default).toBe('bedrock:/amazon.nova-micro-v1:0');
});

function many(): Record<string, string> {
  return Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`a${i}`, `b:/${'x'.repeat(400)}`]));
}
