/** What became of one scorer version on one trace. */
export interface EvaluationOutcome {
  readonly traceId: string;
  readonly scorerName: string;
  readonly scorerVersion: number;
  /** `held`: selected and not judged, for the reason given; whoever comes later and can, judges it. */
  readonly state: 'done' | 'failed' | 'held';
  /** Revision of the trace that was judged. */
  readonly revision: number;
  /** Epoch ms; of a held one when it was held. */
  readonly finishedAt: number;
  /** Of a failed one: what the assessment with the error says. Of a held one: what holds it. */
  readonly reason?: string;
}

/** Whether nothing is left to do but by spans that came later. */
export function isFinished({ state }: Pick<EvaluationOutcome, 'state'>): boolean {
  return state !== 'held';
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
