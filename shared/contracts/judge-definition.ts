import * as z from 'zod';
import type { ResultType } from '../domain/judging/answer/result-type.ts';
import { createJudge } from '../domain/judging/create-judge.ts';
import {
  builtinJudgeNames,
  type EnsembleMember,
  ensembleFunctions,
  InvalidJudgeError,
  type JudgeDefinition,
} from '../domain/judging/definition.ts';
import type { Judge } from '../domain/judging/judge.ts';
import type { Runnable } from '../domain/scorer.ts';
import type { JsonValue } from '../domain/span.ts';
import type { SerializedScorer } from './parse-serialized-scorer.ts';
import { parsedAs } from './parsed-as.ts';

/** How members of an ensemble that are no judges are built: heuristics, and code. */
export type CreateScorer = (serialized: SerializedScorer) => Runnable;

/**
 * The judge that a registered scorer is; undefined for one that is no judge.
 * @throws InvalidJudgeError
 */
export function createRegisteredJudge(serialized: SerializedScorer, createScorer: CreateScorer): Judge | undefined {
  const definition = parseJudgeDefinition(serialized, createScorer);
  return definition && createJudge(definition);
}

/** @throws InvalidJudgeError */
export function parseJudgeDefinition(
  serialized: SerializedScorer,
  createScorer: CreateScorer,
): JudgeDefinition | undefined {
  const common = {
    name: serialized.name,
    ...('model' in serialized && serialized.model !== undefined && { model: serialized.model }),
  };
  switch (serialized.kind) {
    case 'builtin':
      return { ...common, ...inference(serialized.parameters), ...builtinBody(serialized) };
    case 'guidelines':
      return guidelinesBody(serialized, common);
    case 'instructions':
      return { ...common, ...inference(serialized.parameters), ...instructionsBody(serialized) };
    case 'custom-prompt':
      return serialized.definition;
    case 'ensemble':
      return {
        kind: 'ensemble',
        name: serialized.name,
        function: parsedAs(z.enum(ensembleFunctions), serialized.ensembleFunction, 'ensemble_fn'),
        members: serialized.scorers.map((member) => parseMember(member, createScorer)),
      };
    default:
      return undefined;
  }
}

function parseMember(serialized: SerializedScorer, createScorer: CreateScorer): EnsembleMember {
  const judge = parseJudgeDefinition(serialized, createScorer);
  if (judge) return judge;
  const scorer = createScorer(serialized);
  if ('unsupported' in scorer) throw new InvalidJudgeError(`${serialized.name}: ${scorer.unsupported}`);
  if ('judge' in scorer) throw new InvalidJudgeError(`${serialized.name}: a judge was built as code`);
  return { kind: 'scorer', name: serialized.name, scorer };
}

type Serialized<Kind> = Extract<SerializedScorer, { kind: Kind }>;

function builtinBody({ className, parameters }: Serialized<'builtin'>) {
  if (className === 'ToolCallCorrectness') {
    const { should_exact_match, should_consider_ordering } = parsedAs(toolCallCorrectness, parameters, className);
    return {
      kind: 'tool-call-correctness',
      exactMatch: should_exact_match ?? false,
      considerOrdering: should_consider_ordering ?? false,
    } as const;
  }
  if (className === 'Guidelines' || className === 'ConversationalGuidelines')
    throw new InvalidJudgeError(`${className}.guidelines: must be a text or a list of texts`);
  return {
    kind: 'builtin',
    className: parsedAs(z.enum(builtinJudgeNames), className, 'builtin_scorer_class'),
  } as const;
}

const toolCallCorrectness = z.object({
  should_exact_match: z.boolean().nullish(),
  should_consider_ordering: z.boolean().nullish(),
});

/** ExpectationsGuidelines has no guidelines of its own; whatever class has some is one of the two that take them. */
function guidelinesBody(
  { className, guidelines }: Serialized<'guidelines'>,
  common: { name: string },
): JudgeDefinition {
  const known = parsedAs(z.enum(['Guidelines', 'ConversationalGuidelines']), className, 'builtin_scorer_class');
  return { ...common, kind: 'guidelines', className: known, guidelines };
}

function instructionsBody({ instructions, parameters }: Serialized<'instructions'>) {
  const type = parameters.feedback_value_type ?? { type: 'string' };
  return {
    kind: 'instructions',
    instructions,
    resultType: parsedAs(resultType, type, 'feedback_value_type'),
    rationaleFirst: parameters.generate_rationale_first === true,
  } as const;
}

/** MLflow's `inference_params`: whatever the provider takes. */
function inference(parameters: Readonly<Record<string, unknown>>): { parameters?: Record<string, JsonValue> } {
  const given = parameters.inference_params;
  if (given === undefined || given === null) return {};
  return { parameters: parsedAs(z.record(z.string(), z.json()), given, 'inference_params') };
}

const primitive = z.enum(['string', 'integer', 'number', 'boolean']);
const choice = z.union([z.string(), z.number(), z.boolean()]);
const ofPrimitive = z.object({ type: primitive });

/** MLflow's feedback_value_type, JSON Schema of a Python type (mlflow/genai/judges/instructions_judge, 3.18). */
const resultType: z.ZodType<ResultType> = z.union(
  [
    z
      .object({ enum: z.array(choice).min(1) })
      .transform((schema) => ({ kind: 'choice' as const, values: schema.enum })),
    z.object({ const: choice }).transform((schema) => ({ kind: 'choice' as const, values: [schema.const] })),
    z
      .object({ anyOf: z.tuple([ofPrimitive, z.object({ type: z.literal('null') })]) })
      .transform(({ anyOf: [{ type }] }) => ({ kind: 'optional' as const, of: type })),
    z
      .object({ anyOf: z.tuple([z.object({ type: z.literal('null') }), ofPrimitive]) })
      .transform(({ anyOf: [, { type }] }) => ({ kind: 'optional' as const, of: type })),
    z
      .object({ type: z.literal('object'), additionalProperties: ofPrimitive })
      .transform((schema) => ({ kind: 'map' as const, of: schema.additionalProperties.type })),
    z
      .object({ type: z.literal('array'), items: ofPrimitive })
      .transform((schema) => ({ kind: 'list' as const, of: schema.items.type })),
    ofPrimitive.transform(({ type }) => ({ kind: type })),
  ],
  'must be the JSON Schema of a text, number, truth value, enum, optional, list or dict of these',
);
