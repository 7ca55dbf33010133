import { BedrockRuntimeClient } from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { ReadKey } from '../../../shared/adapters/judge-http.ts';
import { judgeModels } from '../../../shared/adapters/judge-models.ts';
import { judgeModelsConfig } from '../../../shared/contracts/judge-models-config.ts';
import type { JudgeModel, JudgeRequest } from '../../../shared/domain/judging/judge-model.ts';
import type { ModelServer } from '../model-server/model-server.ts';

export const testKey = 'sk-test-0123456789abcdef';

/** The models of a stage whose providers are a model server, made as functions make them. */
export function judgeModelsOn(
  { url }: Pick<ModelServer, 'url'>,
  { config = {}, key = async () => testKey }: { config?: object; key?: ReadKey } = {},
) {
  const given = config as { providers?: object; models?: object };
  const client = new BedrockRuntimeClient({
    endpoint: url,
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    requestHandler: new NodeHttpHandler(),
  });
  const parsed = judgeModelsConfig.parse({
    ...config,
    providers: {
      openai: { baseUrl: `${url}/v1`, secret: 'assay/Test/openai' },
      anthropic: { baseUrl: `${url}/v1`, secret: 'assay/Test/anthropic' },
      ...given.providers,
    },
    models: { [bedrockUri]: {}, 'bedrock:/amazon.nova-micro-v1:0': {}, ...given.models },
  });
  return judgeModels(parsed, { bedrock: () => client, keyOf: () => key, now: Date.now });
}

export const bedrockUri = 'bedrock:/us.anthropic.claude-haiku-4-5-20251001-v1:0';

/** One of each API, all with structured output. */
export const uris = [bedrockUri, 'openai:/gpt-4.1-mini', 'anthropic:/claude-haiku-4-5'] as const;

export function modelOn(
  server: ModelServer,
  uri: string,
  options?: Parameters<typeof judgeModelsOn>[1],
): Promise<JudgeModel> {
  return judgeModelsOn(server, options)().resolve(uri);
}

export function aJudgeRequest(given: Partial<JudgeRequest> = {}): JudgeRequest {
  return {
    hash: 'a'.repeat(64),
    system: 'You judge.',
    messages: [{ role: 'user', text: 'Was it polite?' }],
    schema: {
      type: 'object',
      properties: { result: { type: 'string', enum: ['yes', 'no'] }, rationale: { type: 'string' } },
      required: ['result', 'rationale'],
      additionalProperties: false,
    },
    maxTokens: 300,
    parameters: {},
    tools: [],
    ...given,
  };
}
