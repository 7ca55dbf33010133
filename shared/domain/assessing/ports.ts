import type { Assessment } from '../assessment.ts';
import type { EvaluationRequest } from '../evaluation.ts';
import type { ScorerVersion } from '../scorer.ts';

/** What a scorer would have found of a trace; nothing of it is kept. */
export interface Trial {
  readonly traceId: string;
  readonly scorerName: string;
  readonly scorerVersion: number;
  readonly state: 'judged' | 'failed' | 'held' | 'not-judged';
  /** Of what is not judged. */
  readonly reason?: string | undefined;
  readonly assessments: readonly Assessment[];
  readonly usd: number;
  readonly tokens: number;
}

/** A scorer that came with a run, under the name that it has in requests. */
export type NamedDefinition = Pick<ScorerVersion, 'serialized'> & {
  readonly name: string;
  /** As its assessments are called. */
  readonly shownAs: string;
};

/** Whoever judges, asked at once instead of by messages. */
export interface DirectJudging {
  /**
   * Judges as if it had found the requests in its queue. Answers when all of them were tried, or when `until` (epoch ms) has come, or
   * when it could not be asked: what became of them is to be read where it is kept. What is under way then goes on.
   */
  judge(requests: readonly EvaluationRequest[], options: { until: number }): Promise<void>;
  /**
   * Judges and keeps nothing but what it has cost. What is not done at `until` is broken off.
   * @throws ApiError where it could not be asked
   */
  tryOut(
    requests: readonly EvaluationRequest[],
    options: { until: number; inline: readonly NamedDefinition[] },
  ): Promise<readonly Trial[]>;
}
