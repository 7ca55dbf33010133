import * as z from 'zod';
import { parseModelUri } from '../domain/judging/model-uri.ts';

const modelUri = z.string().refine((text) => parseModelUri(text) !== undefined, {
  error: ({ input }) => `${JSON.stringify(input)} is no model URI: expected <provider>:/<model>`,
});

/** Of Secrets Manager: a name (API reference, CreateSecret) or an ARN. */
const secretId = z
  .string()
  .regex(
    /^(?!sk-)[\w/+=.@:-]{1,512}$/,
    'expected the name or the ARN of a secret in Secrets Manager, never a key itself',
  );

const headerName = z
  .string()
  .regex(/^[a-z0-9-]{1,60}$/i)
  .refine((name) => !/authorization|api-?key|token|cookie/i.test(name), 'keys belong in the secret, not in a header');

const baseAddress = z
  .url({ protocol: /^https?$/ })
  .refine((text) => URL.canParse(text) && new URL(text).username === '', 'a base URL carries no credentials');

const httpProvider = z.strictObject({
  /** Providers of these names need not say which they speak. */
  api: z.enum(['openai', 'anthropic']).optional(),
  /** Up to what stands before `/chat/completions` or `/messages`; a query (Azure's `api-version`) is kept. */
  baseUrl: baseAddress.optional(),
  /** Where the key lies. Left out at deployment: the stack makes one; null, or left out at run time: no key is needed. */
  secret: secretId.nullish(),
  /** Carries the key; `authorization` takes it as `Bearer`. */
  keyHeader: z.enum(['authorization', 'x-api-key', 'api-key']).optional(),
  headers: z.record(headerName, z.string().regex(/^[\x20-\x7e]{0,500}$/)).optional(),
});

const limits = z.strictObject({
  contextTokens: z.int().min(2_000).optional(),
  output: z.enum(['schema', 'tool', 'text']).optional(),
  sampling: z.boolean().optional(),
  forcedTool: z.boolean().optional(),
  thinkingTokens: z.int().min(0).max(100_000).optional(),
  effort: z.string().min(1).optional(),
  cacheTokens: z.int().min(1).optional(),
});

const providers = z
  .record(
    z.string().regex(/^[a-z][a-z0-9_-]{0,49}$/, "expected a provider's name of small letters, digits, - and _"),
    httpProvider,
  )
  .check(({ value, issues }) => {
    for (const [name, provider] of Object.entries(value)) {
      const problem = providerProblem(name, provider);
      if (problem) issues.push({ code: 'custom', input: provider, path: [name], message: problem });
    }
  });

function providerProblem(name: string, { api, baseUrl }: HttpProvider): string | undefined {
  if (name === 'bedrock') return 'bedrock needs no provider: its models go under models';
  const isKnown = name === 'openai' || name === 'anthropic';
  if (api === undefined && !isKnown) return 'expected api, openai or anthropic';
  if (baseUrl === undefined && !isKnown) return 'expected baseUrl';
  return undefined;
}

/** Which models judge, and how they are reached. No secret stands in it: only where each lies. */
export const judgeModelsConfig = z
  .strictObject({
    /** Judges where neither the scorer nor the experiment names a model. */
    default: modelUri.optional(),
    /** Other names of models: `gateway:/fast`, `databricks`, `openai:/gpt-4.1-mini`. */
    aliases: z.record(z.string().min(1).max(500), modelUri).default({}),
    providers: providers.default({}),
    /** Models of Bedrock that may be called beside the default and what aliases mean; limits of models that are not known or differ. */
    models: z.record(modelUri, limits).default({}),
    /** For one call, or what is left of the 105 s that its function has for all. */
    timeoutSeconds: z.int().min(1).max(100).default(60),
  })
  .check(({ value, issues }) => {
    for (const [name, target] of Object.entries(value.aliases)) {
      if (value.aliases[target] !== undefined)
        issues.push({
          code: 'custom',
          input: target,
          path: ['aliases', name],
          message: `${target} is an alias itself`,
        });
    }
  });

export type JudgeModelsConfig = z.output<typeof judgeModelsConfig>;
export type HttpProvider = z.output<typeof httpProvider>;

/** Ids of the models of Bedrock that the configuration names: those that judges may call. */
export function bedrockModels(config: Pick<JudgeModelsConfig, 'default' | 'aliases' | 'models'>): readonly string[] {
  const uris = [config.default, ...Object.values(config.aliases), ...Object.keys(config.models)];
  const ids = uris.flatMap((uri) => {
    const parsed = uri === undefined ? undefined : parseModelUri(uri);
    return parsed?.provider === 'bedrock' ? [parsed.model] : [];
  });
  return [...new Set(ids)].sort();
}

/** The configuration as it travels in an environment variable. */
export const judgeModelsText = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue({ code: 'custom', message: 'expected JSON' });
      return z.NEVER;
    }
  })
  .pipe(judgeModelsConfig);
