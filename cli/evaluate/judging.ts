import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { bedrock } from '../../shared/adapters/aws-clients.ts';
import { judgeModels } from '../../shared/adapters/judge-models.ts';
import {
  type HttpProvider,
  type JudgeModelsConfig,
  judgeModelsConfig,
} from '../../shared/contracts/judge-models-config.ts';
import type { Judging } from '../../shared/domain/evaluating/ask-judges.ts';
import { defaultLimits } from '../../shared/domain/judging/asking/limits.ts';
import { type CircuitBoard, modelGuards } from '../../shared/domain/judging/guard-models.ts';
import { JudgeMisconfiguredError, type JudgeModels } from '../../shared/domain/judging/judge-model.ts';
import { costInUsd } from '../../shared/domain/judging/judge-price.ts';
import { spendingLimit } from '../../shared/domain/judging/spending-limit.ts';
import { UsageError } from '../usage-error.ts';

export interface ModelOptions {
  /** Of judges that name none. */
  readonly model?: string | undefined;
  /** A file with a stage's judgeModels. */
  readonly models?: string | undefined;
  readonly maxCostUsd?: number | undefined;
  /** Rows at once. */
  readonly concurrency: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Models as a stage has them, with keys out of the environment: `OPENAI_API_KEY` for the provider `openai`. Models of Bedrock that scorers name may
 * be called: here it is the account that decides.
 * @param definitions of the scorers
 */
export function localJudging(
  options: ModelOptions,
  { definitions, environment }: { definitions: readonly string[]; environment: Environment },
): Judging {
  const config = withEnvironment(readConfig(options), { definitions, environment });
  const keyOf = (variable: string) => async () => keyIn(environment, variable);
  const models = judgeModels(config, { bedrock, keyOf, now: Date.now })();
  const resolve: JudgeModels['resolve'] = async (uri) => {
    if ((uri ?? config.default) !== undefined) return models.resolve(uri);
    throw new JudgeMisconfiguredError('the scorer names no model: give --model', { reason: 'unknown-model' });
  };
  const report = () => undefined;
  // All judges of all rows that are under way: only a model that throttles has calls wait.
  const maxConcurrency = options.concurrency * definitions.length;
  const guards = { board: noBoard, now: Date.now, chance: Math.random, maxConcurrency, report };
  const guard = modelGuards(guards);
  const limited = options.maxCostUsd === undefined ? guard : limitedBy(options.maxCostUsd, guard);
  return () => ({
    models: { resolve },
    paidBy: (_, model) => limited(model),
    code: () => randomBytes(16).toString('hex'),
    now: Date.now,
    limits: defaultLimits,
    combine: false,
    costOf: costInUsd,
  });
}

type Wrap = ReturnType<typeof spendingLimit>;

/** A call that waits for its turn has reserved nothing. */
function limitedBy(usd: number, guard: Wrap): Wrap {
  const limit = spendingLimit(usd);
  return (model) => guard(limit(model));
}

function readConfig({ model, models }: ModelOptions): JudgeModelsConfig {
  const given = models === undefined ? {} : readJson(models);
  const { success, data, error } = judgeModelsConfig.safeParse({
    ...given,
    ...(model !== undefined && { default: model }),
  });
  if (success) return data;
  throw new UsageError(
    `the models: ${error.issues.map(({ path, message }) => `${path.join('.') || 'judgeModels'}: ${message}`).join('; ')}`,
  );
}

/** The file is what `judgeModels` is, or has it as that member, as cdk.json has. */
function readJson(file: string): object {
  try {
    const { judgeModels: member, ...whole } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, object>;
    return member ?? whole;
  } catch (error) {
    throw new UsageError(`--models ${file}: ${(error as Error).message}`);
  }
}

function withEnvironment(
  config: JudgeModelsConfig,
  { definitions, environment }: { definitions: readonly string[]; environment: Environment },
): JudgeModelsConfig {
  const providers = Object.entries<HttpProvider>({ openai: {}, anthropic: {}, ...config.providers });
  const named = definitions.flatMap((text) => [...text.matchAll(/"model"\s*:\s*"(bedrock:\/[^"\\]+)"/g)]);
  const uris = named.map(([, uri = '']) => [uri, {}]);
  return {
    ...config,
    providers: Object.fromEntries(
      providers.map(([name, provider]) => [
        name,
        {
          ...(provider.baseUrl === undefined && addressIn(environment, name)),
          ...provider,
          // null: no key is needed.
          secret: provider.secret === null ? null : `${name.toUpperCase().replaceAll('-', '_')}_API_KEY`,
        },
      ]),
    ),
    models: { ...Object.fromEntries(uris), ...config.models },
  };
}

/** As the providers' own clients read it: Anthropic's adds the version itself. */
function addressIn(environment: Environment, provider: string): { baseUrl?: string } {
  const { OPENAI_BASE_URL: openai, ANTHROPIC_BASE_URL: anthropic } = environment;
  if (provider === 'openai' && openai) return { baseUrl: openai };
  if (provider === 'anthropic' && anthropic) return { baseUrl: `${anthropic.replace(/\/+$/, '')}/v1` };
  return {};
}

function keyIn(environment: Environment, variable: string): string {
  const key = environment[variable]?.trim();
  if (key) return key;
  throw new JudgeMisconfiguredError(`the environment has no ${variable}`, { reason: 'credentials', call: 'not-made' });
}

/** One process sees by itself what models do. */
const noBoard: CircuitBoard = {
  read: async () => undefined,
  open: async () => undefined,
  claimProbe: async () => true,
  releaseProbe: async () => undefined,
  close: async () => undefined,
};
