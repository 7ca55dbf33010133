/**
 * What MLflow's Python clients can load, by the version that brought it. Read in the wheels 3.9.0, 3.10.1, 3.11.1, 3.12.0, 3.13.0, 3.14.0,
 * 3.15.0, 3.15.2, 3.16.0, 3.16.1, 3.17.0, 3.17.2 and 3.18.0 (mlflow/genai/scorers/{base,builtin_scorers,scorer_utils}.py,
 * mlflow/genai/judges/instructions_judge/__init__.py).
 */

/** Major, minor and patch. */
export type MlflowVersion = readonly [number, number, number];

/** Versions before 3.9 are not told apart from it. */
const first: MlflowVersion = [3, 9, 0];

/** Fields of `SerializedScorer`, of which a client knows those that it has. */
export const scorerKeys: Readonly<Record<string, MlflowVersion>> = {
  name: first,
  aggregations: first,
  description: first,
  is_session_level_scorer: first,
  mlflow_version: first,
  serialization_version: first,
  builtin_scorer_class: first,
  builtin_scorer_pydantic_data: first,
  call_source: first,
  call_signature: first,
  original_func_name: first,
  instructions_judge_pydantic_data: first,
  memory_augmented_judge_data: first,
  third_party_scorer_data: [3, 12, 0],
  ensemble_scorer_data: [3, 15, 2],
  timeout: [3, 16, 1],
  session_level: [3, 18, 0],
};

/** From this version on a client passes over fields that it does not know; before, one of them makes its whole list fail. */
export const toleratesUnknownKeys: MlflowVersion = [3, 13, 0];

/** Classes of built-in scorers; what is in their `builtin_scorer_pydantic_data` and not in the class is passed over by all. */
export const builtinClasses: Readonly<Record<string, MlflowVersion>> = {
  Completeness: first,
  ConversationCompleteness: first,
  ConversationalGuidelines: first,
  ConversationalRoleAdherence: first,
  ConversationalSafety: first,
  ConversationalToolCallEfficiency: first,
  Correctness: first,
  Equivalence: first,
  ExpectationsGuidelines: first,
  Fluency: first,
  Guidelines: first,
  KnowledgeRetention: first,
  RelevanceToQuery: first,
  RetrievalGroundedness: first,
  RetrievalRelevance: first,
  RetrievalSufficiency: first,
  Safety: first,
  Summarization: first,
  ToolCallCorrectness: first,
  ToolCallEfficiency: first,
  UserFrustration: first,
  PIIDetection: [3, 14, 0],
  RegexMatch: [3, 14, 0],
  ResponseLength: [3, 14, 0],
};

/** Functions that ensembles are made with. */
export const ensembleFunctions: ReadonlySet<string> = new Set([
  'agg_all',
  'agg_any',
  'majority_vote',
  'maximum',
  'mean',
  'minimum',
]);

/** Libraries whose scorers MLflow wraps, in modules `mlflow.genai.scorers.<library>`; a client loads them where the library is installed. */
export const thirdPartyLibraries: ReadonlySet<string> = new Set(['deepeval', 'phoenix', 'ragas', 'trulens']);

export const since = {
  /** Functions with `@scorer`, with the variable MLFLOW_SERVER_ENABLE_CUSTOM_SCORERS in the client's process. */
  code: [3, 17, 0],
  ensembles: [3, 15, 2],
  thirdParty: [3, 12, 0],
  /** `feedback_value_type` of an Optional: `anyOf` in place of `type`. */
  optionalValues: [3, 12, 0],
  /** Of a Literal of several types: `enum` without `type`. */
  mixedLiterals: [3, 17, 0],
} as const satisfies Record<string, MlflowVersion>;

export function isAtLeast(version: MlflowVersion, other: MlflowVersion): boolean {
  const i = version.findIndex((part, at) => part !== other[at]);
  return i === -1 || (version[i] ?? 0) > (other[i] ?? 0);
}

/** Of `X-MLflow-Client-Version`, development versions and release candidates included; undefined for what is no version. */
export function parseMlflowVersion(text: string | undefined): MlflowVersion | undefined {
  const match = /^(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?(?![\d])/.exec(text ?? '');
  return match ? [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)] : undefined;
}
