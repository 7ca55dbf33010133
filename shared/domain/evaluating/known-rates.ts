import type { EvaluationOutcome, EvaluationRequest, SelectedScorer } from '../evaluation.ts';
import type { RuleStore, TraceRecord } from '../ports.ts';

type Sampled = Pick<TraceRecord, 'info' | 'outcomes' | 'assessments'>;

/** The sampling rate of a scorer on the trace, as far as anybody knows one. */
export type RateOf = (selected: SelectedScorer) => number | undefined;

/**
 * What is judged on demand keeps the weight of a trace that is sampled: the rate by which it was judged, waits to be judged, or was
 * decided to be. An assessment that is written over, or an evaluation that is done for whoever waits, would leave a hole in the sample.
 */
export async function knownRates(
  { experimentId, scorers }: Pick<EvaluationRequest, 'experimentId' | 'scorers'>,
  { record, rules }: { record: Sampled; rules: Pick<RuleStore, 'version'> },
): Promise<RateOf> {
  const decided = scorers.some(({ sampleRate }) => sampleRate === undefined) ? record.info.decision : undefined;
  const decidedBy =
    decided && decided.selected.length > 0 ? await rules.version(experimentId, decided.rulesVersion) : undefined;
  return ({ name, version, sampleRate }) => {
    if (sampleRate !== undefined) return sampleRate;
    const judged = record.assessments.flatMap(({ scorer }) =>
      scorer?.name === name && scorer.version === version ? (scorer.sampleRate ?? []) : [],
    );
    const rule = decided?.selected.includes(name) ? decidedBy?.scorers.find((other) => other.name === name) : undefined;
    const byDecision = rule?.version === version ? rule.sampleRate : undefined;
    return waitingAt({ name, version }, record.outcomes) ?? judged[0] ?? byDecision;
  };
}

function waitingAt({ name, version }: SelectedScorer, outcomes: readonly EvaluationOutcome[]): number | undefined {
  return outcomes.find(({ scorerName, scorerVersion }) => scorerName === name && scorerVersion === version)?.request
    ?.sampleRate;
}
