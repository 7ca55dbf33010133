import { estimateTokens } from './estimate-tokens.ts';
import listed from './model-limits.json' with { type: 'json' };

/** How a model is made to answer with JSON: by structured output, by a tool that it must call, or by nothing but the prompt. */
export type OutputForm = 'schema' | 'tool' | 'text';

/** What a model takes, and what has to be done differently for it. */
export interface ModelLimits {
  /** Tokens of prompt and answer together. */
  readonly contextTokens: number;
  readonly output: OutputForm;
  /** Whether it takes temperature and its like. */
  readonly sampling: boolean;
  /** Whether a call of a tool can be demanded. */
  readonly forcedTool: boolean;
  /** It thinks before it answers, unasked, at the expense of the answer's bound: so much is added to that. */
  readonly thinkingTokens: number;
  /** Asked of a model that thinks, unless the scorer's parameters say otherwise. */
  readonly effort?: string;
  /** The shortest prefix that the provider caches on demand; absent: it cannot be asked to. */
  readonly cacheTokens?: number;
}

const models = new Map(Object.entries(listed.models as Record<string, Partial<ModelLimits>>));

/**
 * The limits of a model however it is spelled: `gpt-4o-mini-2024-07-18`, `us.anthropic.claude-haiku-4-5-20251001-v1:0`,
 * `accounts/x/models/qwen3-32b`. What is not listed is taken to hold little.
 */
export function modelLimits(model: string, overrides: Partial<ModelLimits> = {}): ModelLimits {
  const name = plainName(model);
  const prefixes = [...models.keys()].filter((prefix) => name.startsWith(prefix));
  const longest = prefixes.reduce((best, prefix) => (prefix.length > best.length ? prefix : best), '');
  return {
    output: 'schema',
    sampling: true,
    forcedTool: true,
    thinkingTokens: 0,
    ...listed.default,
    ...models.get(longest),
    ...overrides,
  };
}

/** Whether a prefix is long enough for the provider to cache it on demand. */
export function isCacheable(prefix: string, { cacheTokens = Number.POSITIVE_INFINITY }: ModelLimits): boolean {
  return estimateTokens(prefix) >= cacheTokens;
}

/** Without region, vendor and path. */
function plainName(model: string): string {
  const name = model.toLowerCase().split('/').at(-1) ?? '';
  return name
    .replace(/^(?:us-gov|us|eu|apac|jp|au|ca|global)\./, '')
    .replace(/^(?:anthropic|amazon|openai|mistral|meta|google|deepseek|qwen|databricks)[.-]/, '')
    .replace(/^meta-(?=llama)/, '');
}
