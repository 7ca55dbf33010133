import * as z from 'zod';
import type { CodeDefinition } from '../domain/code/code-definition.ts';
import type { HeuristicDefinition } from '../domain/heuristics/definition.ts';
import { InvalidJudgeError, type JudgeDefinition } from '../domain/judging/definition.ts';
import { InvalidCodeError, parseCodeDefinition } from './code/code-definition.ts';
import { parseCustomPrompt } from './custom-prompt.ts';
import { InvalidHeuristicError, parseHeuristicDefinition } from './heuristic-definition.ts';
import { parseBuiltinHeuristic } from './mlflow-heuristics.ts';

/** A scorer as it was registered: MLflow's `SerializedScorer` (mlflow/genai/scorers/base.py, 3.17), or what Assay has in its place. */
export type SerializedScorer = ScorerCommon & ScorerBody;

interface ScorerCommon {
  readonly name: string;
  readonly description?: string;
  /** Judges a conversation, not a trace. */
  readonly isSessionLevel: boolean;
}

type ScorerBody =
  | { readonly kind: 'heuristic'; readonly definition: HeuristicDefinition }
  | { readonly kind: 'builtin'; readonly className: string; readonly model?: string; readonly parameters: JsonObject }
  | {
      readonly kind: 'guidelines';
      readonly className: string;
      readonly model?: string;
      readonly guidelines: readonly string[];
    }
  | {
      readonly kind: 'instructions';
      readonly instructions: string;
      readonly model?: string;
      readonly parameters: JsonObject;
    }
  | { readonly kind: 'custom-prompt'; readonly definition: JudgeDefinition }
  | { readonly kind: 'assay-code'; readonly code: CodeDefinition }
  | { readonly kind: 'code'; readonly source: string; readonly signature: string; readonly functionName: string }
  | { readonly kind: 'ensemble'; readonly ensembleFunction: string; readonly scorers: readonly SerializedScorer[] }
  | { readonly kind: 'third-party'; readonly module: string; readonly className: string }
  | { readonly kind: 'memory-augmented' };

type JsonObject = Readonly<Record<string, unknown>>;

/** A serialized scorer that is not one; the message says what is wrong with it. */
export class InvalidSerializedScorerError extends Error {
  override readonly name = 'InvalidSerializedScorerError';
}

const jsonObject = z.record(z.string(), z.unknown());

const wireScorer = z.looseObject({
  name: z.string().min(1),
  description: z.string().nullish(),
  is_session_level_scorer: z.boolean().nullish(),
  assay_heuristic: z.unknown().optional(),
  assay_code: z.unknown().optional(),
  assay_custom_prompt: z.unknown().optional(),
  builtin_scorer_class: z.string().nullish(),
  builtin_scorer_pydantic_data: jsonObject.nullish(),
  instructions_judge_pydantic_data: z.looseObject({ instructions: z.string(), model: z.string().nullish() }).nullish(),
  call_source: z.string().nullish(),
  call_signature: z.string().nullish(),
  original_func_name: z.string().nullish(),
  memory_augmented_judge_data: jsonObject.nullish(),
  third_party_scorer_data: z.looseObject({ module: z.string(), class: z.string() }).nullish(),
  ensemble_scorer_data: z.object({ ensemble_fn: z.string(), scorers: z.array(jsonObject).min(1) }).nullish(),
});

type WireScorer = z.infer<typeof wireScorer>;

/** The keys of which exactly one says what kind of scorer it is. */
const kindKeys = [
  'assay_heuristic',
  'assay_code',
  'assay_custom_prompt',
  'builtin_scorer_class',
  'call_source',
  'instructions_judge_pydantic_data',
  'memory_augmented_judge_data',
  'third_party_scorer_data',
  'ensemble_scorer_data',
] as const satisfies readonly (keyof WireScorer)[];

/**
 * Parses the JSON text of a serialized scorer. Keys that Assay does not know are passed over, as MLflow does.
 * @throws InvalidSerializedScorerError
 */
export function parseSerializedScorer(text: string): SerializedScorer {
  try {
    return readScorer(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError)
      throw new InvalidSerializedScorerError(`serialized scorer is not JSON: ${error.message}`);
    throw error;
  }
}

function readScorer(value: unknown): SerializedScorer {
  const parsed = wireScorer.safeParse(value);
  if (!parsed.success) throw new InvalidSerializedScorerError(parsed.error.issues.map(explain).join('; '));
  const wire = parsed.data;
  const { name, description, is_session_level_scorer: isSessionLevel } = wire;
  return { name, ...(description && { description }), isSessionLevel: isSessionLevel ?? false, ...readBody(wire) };
}

function explain({ path, message }: z.core.$ZodIssue): string {
  return path.length === 0 ? `serialized scorer must be a JSON object: ${message}` : `${path.join('.')}: ${message}`;
}

function readBody(wire: WireScorer): ScorerBody {
  const present = kindKeys.filter((key) => wire[key] !== undefined && wire[key] !== null);
  const [key, ...more] = present;
  if (key === undefined)
    throw new InvalidSerializedScorerError(`serialized scorer must have one of ${kindKeys.join(', ')}`);
  if (more.length > 0)
    throw new InvalidSerializedScorerError(`serialized scorer must have only one of ${present.join(', ')}`);
  return bodyReaders[key](wire);
}

const bodyReaders: Readonly<Record<(typeof kindKeys)[number], (wire: WireScorer) => ScorerBody>> = {
  assay_heuristic: (wire) => ({
    kind: 'heuristic',
    definition: readDefinition(() => parseHeuristicDefinition(wire.assay_heuristic)),
  }),
  assay_code: (wire) => ({ kind: 'assay-code', code: readDefinition(() => parseCodeDefinition(wire.assay_code)) }),
  assay_custom_prompt: (wire) => ({
    kind: 'custom-prompt',
    definition: readDefinition(() => parseCustomPrompt(wire.name, wire.assay_custom_prompt)),
  }),
  builtin_scorer_class: readBuiltin,
  call_source: (wire) => ({
    kind: 'code',
    source: wire.call_source ?? '',
    signature: wire.call_signature ?? '()',
    functionName: wire.original_func_name ?? wire.name,
  }),
  instructions_judge_pydantic_data: (wire) => {
    const { instructions = '', model, ...parameters } = wire.instructions_judge_pydantic_data ?? {};
    return { kind: 'instructions', instructions, ...(model && { model }), parameters };
  },
  memory_augmented_judge_data: () => ({ kind: 'memory-augmented' }),
  third_party_scorer_data: (wire) => {
    const { module = '', class: className = '' } = wire.third_party_scorer_data ?? {};
    return { kind: 'third-party', module, className };
  },
  ensemble_scorer_data: (wire) => {
    const { ensemble_fn: ensembleFunction = '', scorers = [] } = wire.ensemble_scorer_data ?? {};
    return { kind: 'ensemble', ensembleFunction, scorers: scorers.map(readScorer) };
  },
};

function readBuiltin(wire: WireScorer): ScorerBody {
  const className = wire.builtin_scorer_class ?? '';
  const parameters = wire.builtin_scorer_pydantic_data ?? {};
  const definition = readDefinition(() => parseBuiltinHeuristic(className, parameters));
  if (definition) return { kind: 'heuristic', definition };
  const model = typeof parameters.model === 'string' ? { model: parameters.model } : {};
  const guidelines = readGuidelines(parameters.guidelines);
  return guidelines
    ? { kind: 'guidelines', className, ...model, guidelines }
    : { kind: 'builtin', className, ...model, parameters };
}

/** MLflow takes one text or a list of them. */
function readGuidelines(value: unknown): readonly string[] | undefined {
  const parsed = z.union([z.string().transform((text) => [text]), z.array(z.string()).min(1)]).safeParse(value);
  return parsed.success ? parsed.data : undefined;
}

function readDefinition<Definition>(read: () => Definition): Definition {
  try {
    return read();
  } catch (error) {
    if (
      error instanceof InvalidHeuristicError ||
      error instanceof InvalidCodeError ||
      error instanceof InvalidJudgeError
    )
      throw new InvalidSerializedScorerError(error.message, { cause: error });
    throw error;
  }
}
