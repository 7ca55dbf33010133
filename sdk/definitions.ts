import { InvalidParameterError } from './errors.ts';

/** What a scorer does, before it has a name in an experiment. The same definition always gives the same scorer. */
export interface ScorerDefinition {
  /** The JSON text that is registered: MLflow's of a scorer, or Assay's in its place. */
  serialize(name: string): string;
}

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined };
type Parameters = Readonly<Record<string, unknown>>;

interface OfModel {
  /** `bedrock:/…`, `openai:/…`, an alias of the stage; absent: the experiment's. */
  readonly model?: string | undefined;
}

/** The classes of MLflow's built-in judges and scorers. */
export type BuiltinScorer =
  | 'Completeness'
  | 'ConversationCompleteness'
  | 'ConversationalGuidelines'
  | 'ConversationalRoleAdherence'
  | 'ConversationalSafety'
  | 'ConversationalToolCallEfficiency'
  | 'Correctness'
  | 'Equivalence'
  | 'ExpectationsGuidelines'
  | 'Fluency'
  | 'Guidelines'
  | 'KnowledgeRetention'
  | 'PIIDetection'
  | 'RegexMatch'
  | 'RelevanceToQuery'
  | 'ResponseLength'
  | 'RetrievalGroundedness'
  | 'RetrievalRelevance'
  | 'RetrievalSufficiency'
  | 'Safety'
  | 'Summarization'
  | 'ToolCallCorrectness'
  | 'ToolCallEfficiency'
  | 'UserFrustration';

/**
 * One of MLflow's built-in judges: `builtinJudge('Safety')`, `builtinJudge('ToolCallCorrectness', { should_exact_match: true })`.
 * The parameters are those of the class. Classes that newer versions of Assay know can be named, too.
 */
export function builtinJudge(
  className: BuiltinScorer | (string & {}),
  parameters: OfModel & Parameters = {},
): ScorerDefinition {
  return defined((name) => ({
    builtin_scorer_class: className,
    builtin_scorer_pydantic_data: { name, ...parameters },
  }));
}

/** A judge that says whether all guidelines are kept. */
export function guidelines(texts: string | readonly string[], { model }: OfModel = {}): ScorerDefinition {
  return builtinJudge('Guidelines', { guidelines: typeof texts === 'string' ? [texts] : texts, model });
}

/** What instructions ask for: a value of a type, or one of some choices. */
export type ResultType = 'text' | 'number' | 'integer' | 'boolean' | readonly string[];

/**
 * A judge with instructions about `{{ inputs }}`, `{{ outputs }}`, `{{ expectations }}`, `{{ trace }}` or `{{ conversation }}`.
 * @param options beside model and result, what MLflow's `make_judge` knows: `inference_params`, `generate_rationale_first`, …
 */
export function instructions(
  text: string,
  { result = 'text', ...others }: OfModel & { readonly result?: ResultType } & Parameters = {},
): ScorerDefinition {
  const type = feedbackType(result);
  return defined(() => ({
    instructions_judge_pydantic_data: { instructions: text, feedback_value_type: type, ...others },
  }));
}

/** A judge that picks one of the choices of a prompt: `Is {{ outputs }} [[polite]] or [[rude]]?` */
export function customPrompt(
  template: string,
  { model, numericValues }: OfModel & { readonly numericValues?: Readonly<Record<string, unknown>> | undefined } = {},
): ScorerDefinition {
  return defined(() => ({
    assay_custom_prompt: {
      prompt_template: template,
      model,
      ...(numericValues && Object.keys(numericValues).length > 0 && { numeric_values: numericValues }),
    },
  }));
}

/** A built-in heuristic, which asks no model: `heuristic('response_length', { max: 500, unit: 'words' })`. */
export function heuristic(type: string, parameters: Parameters = {}): ScorerDefinition {
  return defined(() => ({ assay_heuristic: { type, ...parameters } }));
}

/** The text of a function of inputs, outputs, expectations and trace, in JavaScript, which runs in a sandbox. */
export function javascript(source: string): ScorerDefinition {
  return defined(() => ({ assay_code: { language: 'javascript', source } }));
}

/** The body of a function in Python, as MLflow's `@scorer` stores it. */
export function python(
  body: string,
  { signature, functionName }: { readonly signature: string; readonly functionName?: string | undefined },
): ScorerDefinition {
  return defined((name) => ({
    call_source: body,
    call_signature: signature,
    original_func_name: functionName ?? name,
  }));
}

/** A Lambda function whose name begins with `assay-scorer-`. */
export function lambdaFunction(functionName: string): ScorerDefinition {
  return defined(() => ({ assay_code: { language: 'lambda', function: functionName } }));
}

/** A scorer as it was serialized elsewhere, by MLflow say; its own name stays in it. */
export function serialized(json: string): ScorerDefinition {
  return Object.freeze({ serialize: () => json });
}

function defined(body: (name: string) => Readonly<Record<string, unknown>>): ScorerDefinition {
  return Object.freeze({
    serialize: (name: string) => JSON.stringify({ name, serialization_version: 1, ...body(name) }),
  });
}

const types: Readonly<Record<string, string>> = {
  text: 'string',
  number: 'number',
  integer: 'integer',
  boolean: 'boolean',
};

/** As MLflow writes a feedback_value_type: JSON Schema. */
function feedbackType(result: ResultType): { readonly [key: string]: Json } {
  if (typeof result === 'string' && Object.hasOwn(types, result)) return { type: types[result] as string };
  if (typeof result !== 'string' && result.length > 1 && !result.includes('')) return { type: 'string', enum: result };
  throw new InvalidParameterError(
    'INVALID_PARAMETER_VALUE',
    `a result is ${Object.keys(types).join(', ')}, or at least two choices; got ${JSON.stringify(result)}`,
  );
}
