import { sliceTask } from '../../shared/contracts/backfill-tasks.ts';
import { type EnqueueSliceDeps, enqueueSlice } from '../../shared/domain/backfilling/enqueue-slice.ts';
import type { BackfillStore } from '../../shared/domain/backfilling/ports.ts';

export interface EnqueueBackfillSliceDeps extends EnqueueSliceDeps {
  readonly backfills: Pick<BackfillStore, 'get'>;
}

/** Asks for the evaluations of a few slices; answers how many, which are fewer where the backfill was stopped meanwhile. */
export function createHandler(deps: EnqueueBackfillSliceDeps): (event: unknown) => Promise<{ slices: number }> {
  return async (event) => {
    const { BatchInput: ref, Items } = sliceTask.parse(event);
    let slices = 0;
    for (const slice of Items) {
      const backfill = await deps.backfills.get(ref);
      if (backfill?.state !== 'running' || backfill.attempt !== ref.attempt) break;
      await enqueueSlice(slice, { backfill, deps });
      slices++;
    }
    return { slices };
  };
}
