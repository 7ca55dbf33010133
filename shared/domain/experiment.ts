export interface Experiment {
  /** Decimal, below 2^31: the MLflow client holds it in an int32. */
  readonly experimentId: string;
  readonly name: string;
  readonly lifecycleStage: 'active' | 'deleted';
  /** Epoch ms. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly tags: Readonly<Record<string, string>>;
  /** Where its maker wants artifacts to lie; absent: with us. */
  readonly artifactLocation?: string;
}

/** `0` is always there and is called `Default`. */
export const defaultExperimentId = '0';

/** What the hot path must know of an experiment; it travels with the rules, the one item it reads. */
export interface ExperimentSettings {
  /** Quiet time before the blocks of a trace are merged and its sampling is decided. */
  readonly settleDelaySeconds: number;
  /** Idle time after which a trace without an ended root is closed as incomplete. */
  readonly idleCloseMinutes: number;
  /** Whether spans that arrive after the evaluation have the trace judged again. */
  readonly rejudgeLateSpans: boolean;
  /** Quiet time after which a session counts as ended, and is judged. */
  readonly sessionIdleMinutes: number;
  /** Whether judges of one trace that share a model are asked in one call. */
  readonly combineJudges: boolean;
  /** Whether evaluations that a budget held back are made up for when the budget returns. */
  readonly catchUpBudgets: boolean;
  /** The model of judges that name none, a URI or an alias of the stage; undefined: the stage's default. */
  readonly judgeModel: string | undefined;
}

export const defaultSettings: ExperimentSettings = {
  settleDelaySeconds: 5,
  idleCloseMinutes: 15,
  rejudgeLateSpans: false,
  sessionIdleMinutes: 5,
  combineJudges: false,
  catchUpBudgets: false,
  judgeModel: undefined,
};
