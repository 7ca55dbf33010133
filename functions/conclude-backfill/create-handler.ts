import { concludeTask } from '../../shared/contracts/backfill-tasks.ts';
import { failBackfill } from '../../shared/domain/backfilling/change-backfill.ts';
import {
  type ConcludeDeps,
  concludeBackfill,
  type NextStep,
} from '../../shared/domain/backfilling/conclude-backfill.ts';

/** Says how an execution goes on, and writes how its backfill ended. */
export function createHandler(deps: ConcludeDeps): (event: unknown) => Promise<NextStep> {
  return async (event) => {
    const { round, failure, ...ref } = concludeTask.parse(event);
    if (failure === undefined) return concludeBackfill(ref, { round, deps });
    const failed = await failBackfill(ref, { reason: failure, deps });
    return { next: 'end', state: failed?.state ?? 'failed' };
  };
}
