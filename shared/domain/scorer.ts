import type { Assessment, AssessmentError } from './assessment.ts';
import type { Judge } from './judging/judge.ts';
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
  /** Of a latest version: the rules may not follow it yet. */
  readonly unfollowed?: true;
}

/** Of a scorer that comes with a run and is registered nowhere; versions count from 1. */
export const inlineVersion = 0;

export function isInline({ version }: { readonly version: number }): boolean {
  return version === inlineVersion;
}

/** What a scorer found about one trace; the name defaults to the scorer's. */
export interface ScorerResult {
  readonly name?: string;
  readonly value: JsonValue;
  readonly rationale?: string;
  readonly error?: AssessmentError;
  readonly spanId?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** What it is of, where that is not the scorer: the model that answered. */
  readonly source?: Assessment['source'];
}

/** A scorer that can run: built from a ScorerVersion. */
export interface Scorer {
  readonly sourceType: 'LLM_JUDGE' | 'CODE';
  score(trace: ScorableTrace): Promise<readonly ScorerResult[]> | readonly ScorerResult[];
}

/** What can be done with a registered version. */
export type Runnable =
  | Scorer
  /** It asks a model, which takes time and money and may not be there. */
  | { readonly judge: Judge }
  /** Can never run here: the reason. */
  | { readonly unsupported: string };

/** What the rules must know of a version to follow it. */
export interface ScorerTraits {
  readonly level: 'trace' | 'session';
  /** Why it can never run here. */
  readonly unsupported?: string;
  /** It has nothing to say about a trace of which nobody said what was expected. */
  readonly needsExpectations: boolean;
  /** It asks a model, which costs. */
  readonly asksModel: boolean;
}
