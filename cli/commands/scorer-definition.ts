import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { UsageError } from '../usage-error.ts';

/** What kind of scorer is registered, one of them, and what it takes. */
export interface ScorerOptions {
  readonly judge?: string;
  readonly guideline?: readonly string[];
  readonly instructions?: string;
  readonly prompt?: string;
  readonly heuristic?: string;
  readonly javascript?: string;
  readonly function?: string;
  readonly file?: string;
  /** Of a judge. */
  readonly model?: string;
  /** Of instructions. */
  readonly result: string;
  readonly set: Readonly<Record<string, unknown>>;
}

type Kind = Exclude<keyof ScorerOptions, 'model' | 'result' | 'set'>;

/** What of a serialized scorer says its kind. `file` is the whole of it. */
const kinds: { readonly [K in Exclude<Kind, 'file'>]-?: (given: ScorerOptions, name: string) => object } = {
  judge: ({ judge, model, set }, name) => builtin(judge, { name, model, ...set }),
  guideline: ({ guideline, model }, name) => builtin('Guidelines', { name, guidelines: guideline, model }),
  instructions: ({ instructions, model, result, set }) => ({
    instructions_judge_pydantic_data: { instructions, model, feedback_value_type: typeOf(result), ...set },
  }),
  prompt: ({ prompt, model, set }) => ({
    assay_custom_prompt: {
      prompt_template: prompt,
      model,
      ...(Object.keys(set).length > 0 && { numeric_values: set }),
    },
  }),
  heuristic: ({ heuristic, set }) => ({ assay_heuristic: { type: heuristic, ...set } }),
  javascript: ({ javascript }) => ({ assay_code: { language: 'javascript', source: readScorer(javascript ?? '') } }),
  function: ({ function: own }) => ({ assay_code: { language: 'lambda', function: own } }),
};

/** MLflow's JSON of a scorer, or Assay's in its place. */
export function serializedScorer(name: string, options: ScorerOptions): string {
  const names = [...Object.keys(kinds), 'file'] as Kind[];
  const [kind, ...more] = names.filter((key) => options[key] !== undefined);
  if (kind === undefined || more.length > 0)
    throw new UsageError(`give one of ${names.map((key) => `--${key}`).join(', ')}`);
  if (kind === 'file') return readScorer(options.file ?? '');
  return JSON.stringify({ name, serialization_version: 1, ...kinds[kind](options, name) });
}

function builtin(className: string | undefined, data: object): object {
  return { builtin_scorer_class: className, builtin_scorer_pydantic_data: data };
}

const types: Readonly<Record<string, string>> = {
  text: 'string',
  number: 'number',
  integer: 'integer',
  boolean: 'boolean',
};

/** As MLflow writes a feedback_value_type: JSON Schema. */
function typeOf(result: string): object {
  const type = Object.hasOwn(types, result) ? types[result] : undefined;
  if (type !== undefined) return { type };
  const choices = result.split(',').map((choice) => choice.trim());
  if (choices.length > 1 && !choices.includes('')) return { type: 'string', enum: choices };
  throw new UsageError(`--result is ${Object.keys(types).join(', ')}, or choices as in good,bad; got ${result}`);
}

function readScorer(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`the scorer cannot be read: ${(error as Error).message}`);
  }
}

/** `--set max_ms=2000 unit=words`: values are JSON where they are, else texts. */
export function collect(pair: string, known: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const [key = '', ...rest] = pair.split('=');
  if (rest.length === 0) throw new InvalidArgumentError(`expected key=value, got ${pair}`);
  return { ...known, [key]: jsonOrText(rest.join('=')) };
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
