import * as z from 'zod';
import type { HeuristicDefinition } from '../domain/heuristics/definition.ts';
import { piiKinds } from '../domain/heuristics/pii/pii-kind.ts';

const count = z.int('must be a whole number').min(0, 'must not be negative');
const positive = z.number('must be a number').positive('must be greater than 0');

/** `{"type": "response_length", "min": 10, "max": 500, "unit": "words"}` */
const responseLength = z
  .strictObject({
    type: z.literal('response_length'),
    min: count.optional(),
    max: count.optional(),
    unit: z.enum(['chars', 'words']).default('chars'),
  })
  .refine(({ min, max }) => min === undefined || max === undefined || min <= max, {
    path: ['min'],
    error: 'must not be greater than max',
  });

/** `{"type": "regex", "pattern": "^Answer:"}` */
const regex = z
  .strictObject({
    type: z.literal('regex'),
    pattern: z.string('must be a regular expression in RE2 syntax').min(1, 'must not be empty'),
    match: z.enum(['search', 'fullmatch']).default('search'),
    ignore_case: z.boolean().default(false),
    expect: z.enum(['match', 'no_match']).default('match'),
  })
  .transform(({ ignore_case, ...rest }) => ({ ...rest, ignoreCase: ignore_case }));

/** `{"type": "keywords", "keywords": ["refund"], "mode": "none"}` */
const keywords = z
  .strictObject({
    type: z.literal('keywords'),
    keywords: z
      .array(z.string().min(1, 'must not be empty'))
      .min(1, 'name at least one keyword')
      .max(1000, 'name at most 1000 keywords'),
    mode: z.enum(['any', 'all', 'none']).default('any'),
    ignore_case: z.boolean().default(true),
    whole_words: z.boolean().default(true),
  })
  .transform(({ ignore_case, whole_words, ...rest }) => ({
    ...rest,
    ignoreCase: ignore_case,
    wholeWords: whole_words,
  }));

/** `{"type": "json_validity", "schema": {"type": "object", "required": ["answer"]}}` */
const jsonValidity = z.strictObject({
  type: z.literal('json_validity'),
  schema: z
    .union([z.boolean(), z.record(z.string(), z.json())], 'must be a JSON Schema: an object, or true or false')
    .optional(),
});

/** `{"type": "pii", "kinds": ["email", "secret"], "where": "inputs"}` */
const pii = z.strictObject({
  type: z.literal('pii'),
  kinds: z
    .array(z.enum(piiKinds))
    .min(1, 'name at least one kind, or leave it out for all')
    .default([...piiKinds]),
  where: z.enum(['outputs', 'inputs']).default('outputs'),
});

/** `{"type": "latency", "max_ms": 2000}` */
const latency = z
  .strictObject({ type: z.literal('latency'), max_ms: positive.optional() })
  .transform(({ type, max_ms }) => ({ type, maxMs: max_ms }));

/** `{"type": "tokens", "max_tokens": 4000, "count": "output"}` */
const tokens = z
  .strictObject({
    type: z.literal('tokens'),
    max_tokens: positive.optional(),
    count: z.enum(['total', 'input', 'output']).default('total'),
  })
  .transform(({ max_tokens, ...rest }) => ({ ...rest, maxTokens: max_tokens }));

/** `{"type": "cost", "max_usd": 0.05}` */
const cost = z
  .strictObject({ type: z.literal('cost'), max_usd: positive.optional() })
  .transform(({ type, max_usd }) => ({ type, maxUsd: max_usd }));

/** `{"type": "tool_call_success", "measure": "share"}` */
const toolCallSuccess = z.strictObject({
  type: z.literal('tool_call_success'),
  measure: z.enum(['verdict', 'share']).default('verdict'),
});

/** `{"type": "exact_match", "expectation": "expected_response"}` */
const match = {
  expectation: z.string().min(1, 'must name an expectation').default('expected_response'),
};

const definitionSchema = z.discriminatedUnion('type', [
  responseLength,
  regex,
  keywords,
  jsonValidity,
  pii,
  z.strictObject({ type: z.literal('refusal') }),
  latency,
  tokens,
  cost,
  toolCallSuccess,
  z.strictObject({ type: z.literal('error_free') }),
  z.strictObject({ type: z.literal('exact_match'), ...match }),
  z.strictObject({ type: z.literal('normalized_match'), ...match }),
]) satisfies z.ZodType<HeuristicDefinition>;

/** What a heuristic scorer must not be registered with; the message names the field and what it takes. */
export class InvalidHeuristicError extends Error {
  override readonly name = 'InvalidHeuristicError';
}

const types = definitionSchema.options.map((option) => typeOf(option)).join(', ');

/**
 * Parses the definition of a heuristic: `type` and its parameters. `yes` always passes; where a bound is left out,
 * `response_length`, `latency`, `tokens` and `cost` report the number instead.
 * @throws InvalidHeuristicError
 */
export function parseHeuristicDefinition(value: unknown): HeuristicDefinition {
  const parsed = definitionSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new InvalidHeuristicError(parsed.error.issues.map(explain).join('; '));
}

function explain(issue: z.core.$ZodIssue): string {
  const where = issue.path.join('.');
  if (issue.code === 'invalid_union' && where === 'type') return `type must be one of ${types}`;
  if (issue.code === 'unrecognized_keys') return `unknown field ${issue.keys.join(', ')}: leave it out`;
  if (issue.path.length === 0) return `a heuristic is an object with a type, one of ${types}`;
  return `${where}: ${issue.message}`;
}

function typeOf(option: (typeof definitionSchema.options)[number]): string {
  const shape = 'in' in option.def ? option.def.in : option;
  return 'shape' in shape ? [...shape.shape.type.values].join() : '';
}
