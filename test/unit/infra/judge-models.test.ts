import { Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../infra/config.ts';
import { resolve, type Template } from '../../../local/template/resolve.ts';
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

describe('the role of the function that judges', () => {
  interface Statement {
    readonly Action: string;
    readonly Resource: unknown;
    readonly Condition?: unknown;
  }

  const account = '123456789012';

  function statements(models: object): readonly Statement[] {
    const { monitoring: template } = synthesizedApp({ judgeModels: JSON.stringify(models) });
    const context = {
      template: template.toJSON() as Template,
      names: { ref: (id: string) => id, attribute: (id: string, _: unknown, name: string) => `${id}.${name}` },
      pseudo: { 'AWS::Partition': 'aws', 'AWS::Region': 'eu-west-1', 'AWS::AccountId': account },
      imports: { get: (name: string) => name } as unknown as ReadonlyMap<string, string>,
    };
    const policies = resolve(Object.values(template.findResources('AWS::IAM::Policy')), context) as {
      Properties: { PolicyDocument: { Statement: Statement[] } };
    }[];
    return policies
      .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
      .filter(({ Action }) => /^(bedrock|secretsmanager):/.test(String(Action)))
      .map(({ Action, Resource, Condition }) => ({ Action, Resource, ...(Condition !== undefined && { Condition }) }));
  }

  const arn = 'arn:aws:bedrock:eu-west-1';
  const own = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc';
  const through = (profile: string, model: string) => ({
    Action: 'bedrock:InvokeModel',
    Resource: `arn:aws:bedrock:*::foundation-model/${model}`,
    Condition: { StringEquals: { 'bedrock:InferenceProfileArn': profile } },
  });

  it.each([
    [
      'amazon.nova-micro-v1:0',
      [{ Action: 'bedrock:InvokeModel', Resource: `${arn}::foundation-model/amazon.nova-micro-v1:0` }],
    ],
    [
      'us.amazon.nova-micro-v1:0',
      [
        { Action: 'bedrock:InvokeModel', Resource: `${arn}:123456789012:inference-profile/us.amazon.nova-micro-v1:0` },
        through(`${arn}:123456789012:inference-profile/us.amazon.nova-micro-v1:0`, 'amazon.nova-micro-v1:0'),
      ],
    ],
    [own, [{ Action: 'bedrock:InvokeModel', Resource: own }, through(own, '*')]],
  ])('allows the model %s and no other', (model, expected) => {
    const found = statements({ default: `bedrock:/${model}` });
    expect(found).toHaveLength(expected.length);
    expect(found).toEqual(expect.arrayContaining(expected));
  });

  it('allows the secrets that are configured and no other', () => {
    const { providers } = judgeModels;
    const exact = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:x-AbCdEf';
    const found = statements({
      default: 'openai:/gpt-4o',
      providers: { ...providers, third: { ...providers.theirs, secret: exact } },
    });
    expect(found).toEqual([
      {
        Action: 'secretsmanager:GetSecretValue',
        Resource: [
          exact,
          expect.stringContaining('ExportsOutputRefJudges'),
          'arn:aws:secretsmanager:eu-west-1:123456789012:secret:team/llm-key-??????',
        ],
      },
    ]);
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
