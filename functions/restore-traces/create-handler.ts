import type { ArchivedTraces } from '../../shared/adapters/s3-archived-traces.ts';
import { restoreTask } from '../../shared/contracts/backfill-tasks.ts';
import type { BackfillStore } from '../../shared/domain/backfilling/ports.ts';
import { type RestoreTracesDeps, restoreTraces } from '../../shared/domain/backfilling/restore-traces.ts';

export interface RestoreDeps extends RestoreTracesDeps {
  readonly backfills: Pick<BackfillStore, 'get'>;
  readonly archived: ArchivedTraces;
}

/** Restores one part of what was unloaded for a backfill; nothing where the backfill was stopped meanwhile. */
export function createHandler(deps: RestoreDeps): (event: unknown) => Promise<{ restored: number }> {
  return async (event) => {
    const task = restoreTask.parse(event);
    const backfill = await deps.backfills.get(task);
    if (backfill?.state !== 'planning' || backfill.attempt !== task.attempt) return { restored: 0 };
    return { restored: await restoreTraces(await deps.archived.read(task), deps) };
  };
}
