/** What became of one scorer version on one trace. */
export interface EvaluationOutcome {
  readonly traceId: string;
  readonly scorerName: string;
  readonly scorerVersion: number;
  readonly state: 'done' | 'failed';
  /** Revision of the trace that was judged. */
  readonly revision: number;
  /** Epoch ms. */
  readonly finishedAt: number;
  /** Of a failed one: what the assessment with the error says. */
  readonly reason?: string;
}

/** One trace to be judged by the scorers that its sampling decision selected. */
export interface EvaluationRequest {
  readonly traceId: string;
  readonly experimentId: string;
  readonly rulesVersion: number;
  /** Revision of the trace at its decision. */
  readonly revision: number;
  readonly scorers: readonly SelectedScorer[];
}

export interface SelectedScorer {
  readonly name: string;
  readonly version: number;
  readonly sampleRate: number;
}
