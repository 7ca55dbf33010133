import type { Attributes } from '../span.ts';
import type { Cost, TokenUsage } from '../trace.ts';
import { keys } from './attribute-keys.ts';
import { firstNumber, parseJson } from './attribute-text.ts';

/** Tokens that the span reports, cached ones being part of the input; undefined where it reports none. */
export function spanTokens(attributes: Attributes): TokenUsage | undefined {
  const own = mlflowUsage(attributes['mlflow.chat.tokenUsage']);
  const inputTokens = own?.input_tokens ?? firstNumber(attributes, keys.inputTokens);
  const outputTokens = own?.output_tokens ?? firstNumber(attributes, keys.outputTokens);
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  const [input, output] = [inputTokens ?? 0, outputTokens ?? 0];
  const read = own?.cache_read_input_tokens ?? firstNumber(attributes, keys.cacheReadTokens);
  const creation = own?.cache_creation_input_tokens ?? firstNumber(attributes, keys.cacheCreationTokens);
  return {
    inputTokens: input,
    outputTokens: output,
    totalTokens: own?.total_tokens ?? firstNumber(attributes, keys.totalTokens) ?? input + output,
    ...(read ? { cacheReadInputTokens: read } : {}),
    ...(creation ? { cacheCreationInputTokens: creation } : {}),
  };
}

/** `mlflow.llm.cost`: what the sender says it paid, US$. */
export function reportedCost(attributes: Attributes): Cost | undefined {
  const cost = mlflowUsage(attributes['mlflow.llm.cost']);
  if (cost?.total_cost === undefined) return undefined;
  return { inputCost: cost.input_cost ?? 0, outputCost: cost.output_cost ?? 0, totalCost: cost.total_cost };
}

/** MLflow's objects of numbers, structured or as JSON text. */
function mlflowUsage(value: unknown): Readonly<Record<string, number | undefined>> | undefined {
  const object = typeof value === 'string' ? parseJson(value) : value;
  if (typeof object !== 'object' || object === null) return undefined;
  return Object.fromEntries(
    Object.entries(object)
      .filter(([, member]) => Number.isFinite(Number(member)))
      .map(([key, member]) => [key, Number(member)]),
  );
}

export function addTokens(a: TokenUsage, b: TokenUsage): TokenUsage {
  const sum = (x: number | undefined, y: number | undefined) => (x ?? 0) + (y ?? 0);
  const read = sum(a.cacheReadInputTokens, b.cacheReadInputTokens);
  const creation = sum(a.cacheCreationInputTokens, b.cacheCreationInputTokens);
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    totalTokens: a.totalTokens + b.totalTokens,
    ...(read > 0 && { cacheReadInputTokens: read }),
    ...(creation > 0 && { cacheCreationInputTokens: creation }),
  };
}

export function addCosts(a: Cost, b: Cost): Cost {
  return {
    inputCost: a.inputCost + b.inputCost,
    outputCost: a.outputCost + b.outputCost,
    totalCost: a.totalCost + b.totalCost,
  };
}
