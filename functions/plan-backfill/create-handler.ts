import { toBackfillRequest } from '../../shared/contracts/backfill-input.ts';
import { planAnswer, planTask } from '../../shared/contracts/backfill-tasks.ts';
import { ApiError } from '../../shared/domain/api-error.ts';
import type { Backfill } from '../../shared/domain/backfilling/backfill.ts';
import { existingBackfill, failBackfill, resumeBackfill } from '../../shared/domain/backfilling/change-backfill.ts';
import { askForBackfill, type PlanDeps, planBackfill } from '../../shared/domain/backfilling/plan-backfill.ts';

type Planned =
  | ReturnType<typeof planAnswer>
  | { readonly state: 'refused'; readonly code: string; readonly message: string };

/** Plans the backfill that an execution is started for. What is refused is an answer: to repeat it would not help. */
export function createHandler(deps: PlanDeps): (event: unknown) => Promise<Planned> {
  return async (event) => {
    let asked: Backfill | undefined;
    try {
      asked = await askedFor(event, deps);
      return planAnswer(await planBackfill(asked, deps));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { code, message } = error;
      if (asked) await failBackfill(asked, { reason: message, deps });
      return { state: 'refused', code, message };
    }
  };
}

async function askedFor(event: unknown, deps: PlanDeps): Promise<Backfill> {
  const { success, data, error } = planTask.safeParse(event);
  if (!success)
    throw new ApiError(
      'INVALID_PARAMETER_VALUE',
      error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '),
    );
  const { execution, input } = data;
  if (!('backfill_id' in input)) return askForBackfill(toBackfillRequest(input), { backfillId: execution, deps });
  const ref = { experimentId: input.experiment_id, backfillId: input.backfill_id };
  if (input.resume) return resumeBackfill(ref, { maxCostUsd: input.max_cost_usd, deps });
  return existingBackfill(ref, deps.backfills);
}
