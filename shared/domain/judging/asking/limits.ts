/** Bounds of what judging may cost. */
export interface JudgingLimits {
  /**
   * Tokens of material in one prompt, at most. Of the answers and steps of an agent little is lost at 12,000: all of 80 trajectories of 62,000 tokens
   * on average fit whole.
   */
  readonly materialTokens: number;
  /** Tokens of an answer; providers reserve quota for them before it is written (Bedrock, quotas-token-burndown). */
  readonly answerTokens: number;
  /** Calls of the model for one judgement that explores a trace by tools, as MLflow's MLFLOW_JUDGE_MAX_ITERATIONS. */
  readonly maxSteps: number;
  /** Calls in flight for one trace or session. */
  readonly concurrency: number;
}

export const defaultLimits: JudgingLimits = {
  materialTokens: 12_000,
  answerTokens: 512,
  maxSteps: 30,
  concurrency: 10,
};
