import type { Clock } from '../ports.ts';
import { remember } from '../remember.ts';
import type { BackfillState } from './backfill.ts';
import type { BackfillStore, RunningBackfills } from './ports.ts';

/** Backfills that one process keeps the state of. */
const maxKnown = 1_000;

/** The states of backfills, each read at most once in so many seconds: a pause takes effect within them. */
export function runningBackfills(
  backfills: Pick<BackfillStore, 'get'>,
  { cacheSeconds, now }: { cacheSeconds: number; now: Clock },
): RunningBackfills {
  const known = remember<boolean>({ forMs: cacheSeconds * 1000, atMost: maxKnown, now });
  return {
    isRunning: (ref) =>
      known.recall(`${ref.experimentId}/${ref.backfillId}`, async () => isWanted((await backfills.get(ref))?.state)),
  };
}

/** What a finished backfill left held is judged when it can be. */
function isWanted(state: BackfillState | undefined): boolean {
  return state === 'running' || state === 'finished';
}
