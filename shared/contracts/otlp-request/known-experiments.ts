import type { Experiment } from '../../domain/experiment.ts';
import type { Clock, ExperimentStore } from '../../domain/ports.ts';
import { remembering } from './remembering.ts';

const knownForMs = 60_000;
/** Short: whoever has just made or restored the experiment is already sending to it. */
const unknownForMs = 5_000;

/** Whether an experiment is active or deleted, undefined where there is none; remembered for a while, since every request asks. */
export function knownExperiments(
  store: Pick<ExperimentStore, 'get'>,
  now: Clock,
): (experimentId: string) => Promise<Experiment['lifecycleStage'] | undefined> {
  return remembering(async (experimentId: string) => (await store.get(experimentId))?.lifecycleStage, {
    forMs: (stage) => (stage === 'active' ? knownForMs : unknownForMs),
    now,
  });
}
