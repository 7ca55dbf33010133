import type { Clock } from '../ports.ts';
import type { BackfillState } from './backfill.ts';
import type { BackfillStore, RunningBackfills } from './ports.ts';

/** Backfills that one process keeps the state of. */
const maxKnown = 1_000;

/** The states of backfills, each read at most once in so many seconds: a pause takes effect within them. */
export function runningBackfills(
  backfills: Pick<BackfillStore, 'get'>,
  { cacheSeconds, now }: { cacheSeconds: number; now: Clock },
): RunningBackfills {
  const known = new Map<string, { isRunning: Promise<boolean>; until: number }>();
  return {
    isRunning(ref) {
      const key = `${ref.experimentId}/${ref.backfillId}`;
      const before = known.get(key);
      if (before && before.until > now()) return before.isRunning;
      const isRunning = backfills.get(ref).then((backfill) => isWanted(backfill?.state));
      if (known.size >= maxKnown) known.clear();
      known.set(key, { isRunning, until: now() + cacheSeconds * 1000 });
      // A failed read is nobody's answer for the next seconds.
      isRunning.catch(() => known.delete(key));
      return isRunning;
    },
  };
}

/** What a finished backfill left held is judged when it can be. */
function isWanted(state: BackfillState | undefined): boolean {
  return state === 'running' || state === 'finished';
}
