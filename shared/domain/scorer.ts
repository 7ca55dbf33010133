import type { AssessmentError } from './assessment.ts';
import type { ScorableTrace } from './scorable-trace.ts';
import type { JsonValue } from './span.ts';

/** A registered version of a scorer: immutable. */
export interface ScorerVersion {
  readonly experimentId: string;
  readonly name: string;
  /** 1, 2, 3 … */
  readonly version: number;
  /** UUID, stable over the versions of a name. */
  readonly scorerId: string;
  /** MLflow's SerializedScorer JSON, verbatim. */
  readonly serialized: string;
  /** Epoch ms. */
  readonly createdAt: number;
}

/** What a scorer found about one trace; the name defaults to the scorer's. */
export interface ScorerResult {
  readonly name?: string;
  readonly value: JsonValue;
  readonly rationale?: string;
  readonly error?: AssessmentError;
  readonly spanId?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A scorer that can run: built from a ScorerVersion. */
export interface Scorer {
  readonly sourceType: 'LLM_JUDGE' | 'CODE';
  score(trace: ScorableTrace): Promise<readonly ScorerResult[]> | readonly ScorerResult[];
}
