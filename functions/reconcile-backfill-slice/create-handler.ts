import { sliceTask } from '../../shared/contracts/backfill-tasks.ts';
import { existingBackfill } from '../../shared/domain/backfilling/change-backfill.ts';
import type { BackfillStore } from '../../shared/domain/backfilling/ports.ts';
import { type ReconcileSliceDeps, reconcileSlice } from '../../shared/domain/backfilling/reconcile-slice.ts';
import { settleInParallel, valuesOf } from '../../shared/domain/in-parallel.ts';

export interface ReconcileBackfillSliceDeps extends ReconcileSliceDeps {
  readonly backfills: Pick<BackfillStore, 'get'>;
}

/** Each reads a thousand items and holds as many. */
const slicesAtOnce = 4;

/** Counts what became of the evaluations of a few slices. */
export function createHandler(deps: ReconcileBackfillSliceDeps): (event: unknown) => Promise<{ slices: number }> {
  return async (event) => {
    const { BatchInput: ref, Items } = sliceTask.parse(event);
    const backfill = await existingBackfill(ref, deps.backfills);
    const task = ({ id }: (typeof Items)[number]) => reconcileSlice(id, { backfill, deps });
    valuesOf(await settleInParallel(Items, { limit: slicesAtOnce, task }));
    return { slices: Items.length };
  };
}
