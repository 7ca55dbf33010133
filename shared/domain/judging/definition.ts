import type { Scorer } from '../scorer.ts';
import type { JsonValue } from '../span.ts';
import type { ResultType } from './answer/result-type.ts';

/** A judge as its scorer describes it. */
export type JudgeDefinition = ModelJudgeDefinition | EnsembleDefinition;

export type ModelJudgeDefinition = JudgeCommon & JudgeBody;

interface JudgeCommon {
  /** Of the scorer, and of its feedback. */
  readonly name: string;
  /** Model URI; without one the experiment's default. */
  readonly model?: string;
  /** MLflow's `inference_params`. */
  readonly parameters?: Readonly<Record<string, JsonValue>>;
}

type JudgeBody =
  | { readonly kind: 'builtin'; readonly className: BuiltinJudgeName }
  | {
      readonly kind: 'guidelines';
      readonly className: 'Guidelines' | 'ConversationalGuidelines';
      readonly guidelines: readonly string[];
    }
  | {
      readonly kind: 'tool-call-correctness';
      /** Compared with what was expected, without a model. */
      readonly exactMatch: boolean;
      readonly considerOrdering: boolean;
    }
  | {
      readonly kind: 'instructions';
      readonly instructions: string;
      readonly resultType: ResultType;
      readonly rationaleFirst: boolean;
    }
  | {
      readonly kind: 'custom-prompt';
      /** Choices stand in it as `[[name]]`. */
      readonly template: string;
      readonly numericValues?: Readonly<Record<string, number>>;
    };

/** MLflow's built-in judges that take no parameters of their own (mlflow/genai/scorers/builtin_scorers.py, 3.18). */
export const builtinJudgeNames = [
  'RelevanceToQuery',
  'Safety',
  'ExpectationsGuidelines',
  'Correctness',
  'Equivalence',
  'Completeness',
  'Summarization',
  'Fluency',
  'RetrievalRelevance',
  'RetrievalSufficiency',
  'RetrievalGroundedness',
  'ToolCallEfficiency',
  'UserFrustration',
  'ConversationCompleteness',
  'ConversationalSafety',
  'ConversationalToolCallEfficiency',
  'ConversationalRoleAdherence',
  'KnowledgeRetention',
] as const;

export type BuiltinJudgeName = (typeof builtinJudgeNames)[number];

/** Several scorers whose values make one (mlflow/genai/scorers/ensemble.py). */
export interface EnsembleDefinition {
  readonly kind: 'ensemble';
  readonly name: string;
  readonly function: EnsembleFunction;
  readonly members: readonly EnsembleMember[];
}

export type EnsembleMember = JudgeDefinition | ScorerMember;

/** A member that needs no model: a heuristic, or code. */
export interface ScorerMember {
  readonly kind: 'scorer';
  readonly name: string;
  readonly scorer: Scorer;
}

export const ensembleFunctions = ['majority_vote', 'mean', 'minimum', 'maximum', 'agg_all', 'agg_any'] as const;
export type EnsembleFunction = (typeof ensembleFunctions)[number];

/** What a judge must not be registered with; the message says what is wrong and what is expected. */
export class InvalidJudgeError extends Error {
  override readonly name = 'InvalidJudgeError';
}
