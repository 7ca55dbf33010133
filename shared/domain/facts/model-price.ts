import priceList from '../model-prices.json' with { type: 'json' };
import type { Cost, TokenUsage } from '../trace.ts';

/** US$ per million tokens; cached tokens cost as input where the provider has no price of their own. */
export interface ModelPrice {
  readonly input: number;
  readonly output: number;
  readonly cacheRead?: number;
  readonly cacheWrite?: number;
}

const prices: ReadonlyMap<string, ModelPrice> = new Map(Object.entries(priceList.models));
const regionalPrices: ReadonlyMap<string, ModelPrice> = new Map(Object.entries(priceList.bedrockRegional));
const million = 1_000_000;

/** What a call of the model cost; undefined for a model that the list does not know: no cost is better than a wrong one. */
export function modelCost(model: string, tokens: TokenUsage): Cost | undefined {
  const price = modelPrice(model);
  if (price === undefined) return undefined;
  const [read, write] = [tokens.cacheReadInputTokens ?? 0, tokens.cacheCreationInputTokens ?? 0];
  const plain = Math.max(0, tokens.inputTokens - read - write);
  const inputCost =
    (plain * price.input + read * (price.cacheRead ?? price.input) + write * (price.cacheWrite ?? price.input)) /
    million;
  const outputCost = (tokens.outputTokens * price.output) / million;
  return { inputCost, outputCost, totalCost: inputCost + outputCost };
}

/**
 * The price of a model however it is spelled: `openai/gpt-4o`, `gpt-4o-mini-2024-07-18`,
 * `us.anthropic.claude-haiku-4-5-20251001-v1:0`, `models/gemini-2.5-pro`, `mistral-large-latest`.
 */
export function modelPrice(model: string): ModelPrice | undefined {
  const known = normalized.get(model);
  if (known !== undefined || normalized.has(model)) return known;
  const names = [unprefixed(model), undated(unprefixed(model))];
  const regional = isRegional(model) ? listed(regionalPrices, names) : undefined;
  const found = regional ?? listed(prices, names);
  if (normalized.size < 1_000) normalized.set(model, found);
  return found;
}

const normalized = new Map<string, ModelPrice | undefined>();

function listed(list: ReadonlyMap<string, ModelPrice>, names: readonly string[]): ModelPrice | undefined {
  const name = names.find((each) => list.has(each));
  return name === undefined ? undefined : list.get(name);
}

const profile = /^(?:us|eu|apac|jp|au|in|ca|global)\./;

/** Whether Bedrock keeps the calls within a geography, which costs more with newer models. */
function isRegional(model: string): boolean {
  const name = model.toLowerCase().split('/').at(-1) ?? '';
  return profile.test(name) && !name.startsWith('global.');
}

function unprefixed(model: string): string {
  const name = model.toLowerCase().split('/').at(-1) ?? '';
  return name
    .replace(profile, '')
    .replace(/^(?:anthropic|amazon|openai|mistral|meta|google|deepseek|qwen|moonshotai|minimax|zai)[.:]/, '')
    .replace(/-v\d+(?::\d+)?$|(?::\d+)$/, '')
    .replace(/-1$(?<=gpt-oss-(?:20|120)b-1)/, '');
}

/** A snapshot costs what its model costs, unless the list names the snapshot itself. */
function undated(name: string): string {
  return name.replace(/[-@](?:\d{4}-\d{2}-\d{2}|\d{8}|\d{4}|latest|preview)$/, '');
}
