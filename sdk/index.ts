export type { Assessing, AssessOptions, AssessResult, AssessRun, AssessRunRecord, AssessScorer } from './assess.ts';
export type {
  Backfill,
  BackfillCounts,
  BackfillOptions,
  BackfillPrediction,
  BackfillRecord,
  BackfillScorer,
  BackfillScorerRef,
  BackfillState,
  Backfills,
} from './backfills.ts';
export type { Budget, BudgetLimits, BudgetOwner, Budgets } from './budgets.ts';
export { type Client, createClient } from './client.ts';
export {
  type BuiltinScorer,
  builtinJudge,
  customPrompt,
  guidelines,
  heuristic,
  instructions,
  javascript,
  lambdaFunction,
  python,
  type ResultType,
  type ScorerDefinition,
  serialized,
} from './definitions.ts';
export {
  AssayError,
  AuthenticationError,
  ConflictError,
  ConnectionError,
  InvalidParameterError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
  ServerError,
  TimeoutError,
} from './errors.ts';
export type { Experiment, Experiments } from './experiments.ts';
export type { Explanation, ScorerExplanation } from './explanations.ts';
export type { Paged } from './paged.ts';
export type { SamplingConfig, Scorer, ScorerRecord, ScorerState, Scorers, UnregisteredScorer } from './scorers.ts';
export type { AssessmentRecord, SpanRecord, Trace, TraceInfo, TraceSearch, Traces } from './traces.ts';
export type { CallOptions, ClientOptions, Method } from './transport.ts';
export type { WaitOptions } from './until.ts';
