import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import {
  builtinJudge,
  customPrompt,
  guidelines,
  heuristic,
  instructions,
  javascript,
  lambdaFunction,
  type ResultType,
  type ScorerDefinition,
  serialized,
} from '../../sdk/index.ts';
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

/** The options of which exactly one says what is defined. */
const kinds: {
  readonly [K in Kind]-?: (value: NonNullable<ScorerOptions[K]>, given: ScorerOptions) => ScorerDefinition;
} = {
  judge: (className, { model, set }) => builtinJudge(className, { model, ...set }),
  guideline: (texts, { model }) => guidelines(texts, { model }),
  instructions: (text, { model, result, set }) => instructions(text, { model, result: toResult(result), ...set }),
  prompt: (template, { model, set }) => customPrompt(template, { model, numericValues: set }),
  heuristic: (type, { set }) => heuristic(type, set),
  javascript: (file) => javascript(readScorer(file)),
  function: (name) => lambdaFunction(name),
  file: (path) => serialized(readScorer(path)),
};

/** What the options define. */
export function toDefinition(options: ScorerOptions): ScorerDefinition {
  const names = Object.keys(kinds) as Kind[];
  const [kind, ...more] = names.filter((key) => options[key] !== undefined);
  if (kind === undefined || more.length > 0)
    throw new UsageError(`give one of ${names.map((key) => `--${key}`).join(', ')}`);
  const define = kinds[kind] as (value: unknown, given: ScorerOptions) => ScorerDefinition;
  return define(options[kind], options);
}

const types: ReadonlySet<string> = new Set(['text', 'number', 'integer', 'boolean']);

/** `number`, or choices as in `good,bad`. */
function toResult(text: string): ResultType {
  if (types.has(text)) return text as ResultType;
  const choices = text.split(',').map((choice) => choice.trim());
  if (choices.length > 1 && !choices.includes('')) return choices;
  throw new UsageError(`--result is ${[...types].join(', ')}, or choices as in good,bad; got ${text}`);
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
