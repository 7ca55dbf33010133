import { defaultExperimentId } from '../../domain/experiment.ts';
import type { Clock, ExperimentStore } from '../../domain/ports.ts';

const knownForMs = 60_000;
/** Short: whoever has just made the experiment is already sending to it. */
const unknownForMs = 5_000;
/** A caller that tries ids must not fill the memory. */
const maxRemembered = 10_000;

/** Whether an experiment exists and has not been deleted; remembered for a while, since every request asks. */
export function knownExperiments(
  store: Pick<ExperimentStore, 'get'>,
  now: Clock,
): (experimentId: string) => Promise<boolean> {
  const remembered = new Map<string, { known: boolean; until: number }>();
  return async (experimentId) => {
    // Always there, and what most send to: needs no look-up.
    if (experimentId === defaultExperimentId) return true;
    const entry = remembered.get(experimentId);
    if (entry && entry.until > now()) return entry.known;
    const experiment = await store.get(experimentId);
    const known = experiment?.lifecycleStage === 'active';
    if (remembered.size >= maxRemembered) remembered.clear();
    remembered.set(experimentId, { known, until: now() + (known ? knownForMs : unknownForMs) });
    return known;
  };
}
