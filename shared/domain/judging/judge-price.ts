import { type ModelPrice, modelPrice } from '../facts/model-price.ts';
import type { JudgeAnswer, JudgeRequest } from './judge-model.ts';

/** What calls cost and take. Money in billionths of a dollar: sums of whole numbers are exact, and a token of any model is some of them. */
export interface Amount {
  readonly nanoUsd: number;
  readonly tokens: number;
}

export const nothing: Amount = { nanoUsd: 0, tokens: 0 };

export function sum(a: Amount, b: Amount): Amount {
  return { nanoUsd: a.nanoUsd + b.nanoUsd, tokens: a.tokens + b.tokens };
}

export function difference(a: Amount, b: Amount): Amount {
  return { nanoUsd: a.nanoUsd - b.nanoUsd, tokens: a.tokens - b.tokens };
}

/** The price of what a judge's URI names; undefined: unpriced. A gateway's names are its owner's and say nothing of a model. */
export function judgePrice(uri: string): ModelPrice | undefined {
  return uri.startsWith('gateway:') ? undefined : modelPrice(uri);
}

/** Of US$ per million tokens. */
const nanoUsdPerToken = 1_000;

/** What a call cost by the usage that the model reported; without a price it costs tokens only. */
export function amountOf(usage: JudgeAnswer['usage'], price: ModelPrice | undefined): Amount {
  const tokens = usage.inputTokens + usage.outputTokens;
  if (price === undefined) return { nanoUsd: 0, tokens };
  const [read, write] = [usage.cacheReadTokens ?? 0, usage.cacheWriteTokens ?? 0];
  const plain = Math.max(0, usage.inputTokens - read - write);
  const perToken =
    plain * price.input +
    read * (price.cacheRead ?? price.input) +
    write * (price.cacheWrite ?? price.input) +
    usage.outputTokens * price.output;
  // The sum has an error of floating point, which rounding up must not turn into another billionth.
  return { nanoUsd: Math.ceil(Number((perToken * nanoUsdPerToken).toFixed(3))), tokens };
}

/** What a judgement cost; undefined for a model without a price. */
export function costInUsd({ model, ...usage }: JudgeAnswer['usage'] & { readonly model: string }): number | undefined {
  const price = judgePrice(model);
  return price && amountOf(usage, price).nanoUsd / 1e9;
}

/** Roles, separators and what providers add of their own for tools and schemas (Anthropic's tool prompt: 346 tokens). */
const frameTokens = 1_000;
const messageTokens = 20;

/**
 * The most that a call can take: no tokenizer makes more tokens than there are bytes, an answer has at most `maxTokens`, and all of
 * the prompt may have to be written to the provider's cache. Typically four times what the prompt turns out to take.
 */
export function mostOf(
  { system, messages, schema, tools, maxTokens }: JudgeRequest,
  price: ModelPrice | undefined,
): Amount {
  const bytes = [system, messages, schema, tools].reduce<number>((total, part) => total + bytesOf(part), 0);
  const inputTokens = bytes + frameTokens + messages.length * messageTokens;
  const isWriteDearer = price !== undefined && (price.cacheWrite ?? 0) > price.input;
  return amountOf(
    { inputTokens, outputTokens: maxTokens, ...(isWriteDearer && { cacheWriteTokens: inputTokens }) },
    price,
  );
}

function bytesOf(part: unknown): number {
  return Buffer.byteLength(typeof part === 'string' ? part : JSON.stringify(part));
}
