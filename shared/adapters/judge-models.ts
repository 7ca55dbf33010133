import type { BedrockRuntimeClient } from '@aws-sdk/client-bedrock-runtime';
import { bedrockModels, type HttpProvider, type JudgeModelsConfig } from '../contracts/judge-models-config.ts';
import { JudgeMisconfiguredError, type JudgeModel, type JudgeModels } from '../domain/judging/judge-model.ts';
import { modelLimits } from '../domain/judging/model-limits.ts';
import { type ModelUri, parseModelUri } from '../domain/judging/model-uri.ts';
import type { Clock } from '../domain/ports.ts';
import { anthropicJudgeModel } from './anthropic-judge-model.ts';
import { bedrockJudgeModel } from './bedrock-judge-model.ts';
import type { JudgeEndpoint, ReadKey } from './judge-http.ts';
import { openAiJudgeModel } from './openai-judge-model.ts';

export interface JudgeModelsDeps {
  /** Made when the first model of Bedrock is asked for. */
  readonly bedrock: () => BedrockRuntimeClient;
  readonly keyOf: (secretId: string) => ReadKey;
  readonly now: Clock;
}

/**
 * The models of a stage. Answers what an experiment's scorers may ask, given the model that its tag `assay.judgeModel` names, if any. A model is
 * made once, whichever experiment asks for it, and goes by the URI that it was found to be: an alias is told nowhere.
 */
export function judgeModels(config: JudgeModelsConfig, deps: JudgeModelsDeps): (ofExperiment?: string) => JudgeModels {
  const made = new Map<string, JudgeModel>();
  const make = modelMaker(config, deps);
  return (ofExperiment) => ({
    async resolve(asked) {
      const name = asked ?? ofExperiment ?? config.default;
      if (name === undefined)
        throw misconfigured(
          'no model is named: neither by the scorer, nor by the experiment (tag assay.judgeModel), nor by the stage (judgeModels.default)',
        );
      const uri = config.aliases[name] ?? name;
      const model = made.get(uri) ?? make(uri);
      made.set(uri, model);
      return model;
    },
  });
}

function modelMaker(config: JudgeModelsConfig, { bedrock, keyOf, now }: JudgeModelsDeps): (uri: string) => JudgeModel {
  const callable = new Set(bedrockModels(config));
  const timeoutMs = config.timeoutSeconds * 1_000;
  let client: BedrockRuntimeClient | undefined;
  return (uri) => {
    const parsed = parseModelUri(uri);
    if (parsed === undefined)
      throw misconfigured(`'${uri.slice(0, 200)}' is no model URI: expected <provider>:/<model>`);
    const { provider, model } = parsed;
    const limits = modelLimits(model, config.models[uri]);
    if (provider === 'bedrock') {
      if (!callable.has(model))
        throw misconfigured(
          `${uri} may not be called here: the stage's judgeModels name it neither as default, nor as an alias, nor under models`,
        );
      client ??= bedrock();
      return bedrockJudgeModel(client, { uri, model, limits, timeoutMs, now });
    }
    const found = config.providers[provider];
    if (found === undefined) throw misconfigured(unknownProvider(uri, parsed));
    const { secret, headers = {} } = found;
    const connection = { uri, headers, timeoutMs, now, readKey: secret ? keyOf(secret) : undefined };
    return (found.api ?? provider) === 'anthropic'
      ? anthropicJudgeModel({ endpoint: { ...connection, ...anthropicAddress(found) }, model, limits })
      : openAiJudgeModel({ endpoint: { ...connection, ...openAiAddress(found) }, model, limits });
  };
}

function unknownProvider(uri: string, { provider }: ModelUri): string {
  return `${uri} means nothing here: the stage's judgeModels have neither an alias ${uri} nor a provider ${provider}`;
}

type Address = Pick<JudgeEndpoint, 'url' | 'keyHeader'>;

function anthropicAddress({ baseUrl, keyHeader = 'x-api-key' }: HttpProvider): Address {
  return { url: under(baseUrl ?? 'https://api.anthropic.com/v1', 'messages'), keyHeader };
}

function openAiAddress({ baseUrl, keyHeader = 'authorization' }: HttpProvider): Address {
  return { url: under(baseUrl ?? 'https://api.openai.com/v1', 'chat/completions'), keyHeader };
}

/** The base keeps its query, in which Azure has its version. */
function under(base: string, path: string): URL {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${path}`;
  return url;
}

function misconfigured(message: string): JudgeMisconfiguredError {
  return new JudgeMisconfiguredError(message, { reason: 'unknown-model' });
}
