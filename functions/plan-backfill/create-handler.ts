import type * as z from 'zod';
import { toBackfillRequest } from '../../shared/contracts/backfill-input.ts';
import { planAnswer, planTask, surveyOf } from '../../shared/contracts/backfill-tasks.ts';
import { ApiError } from '../../shared/domain/api-error.ts';
import { type ArchivedPartDeps, archiveStep } from '../../shared/domain/backfilling/archived-part.ts';
import type { Backfill } from '../../shared/domain/backfilling/backfill.ts';
import { existingBackfill, failBackfill, resumeBackfill } from '../../shared/domain/backfilling/change-backfill.ts';
import { askForBackfill, type PlanDeps, planBackfill } from '../../shared/domain/backfilling/plan-backfill.ts';

type Planned =
  | ReturnType<typeof planAnswer>
  | (Omit<ReturnType<typeof planAnswer>, 'state'> & { readonly state: 'superseded' })
  | { readonly state: 'refused'; readonly code: string; readonly message: string };

export interface PlanBackfillDeps extends PlanDeps, Omit<ArchivedPartDeps, 'backfills' | 'now'> {}

/**
 * Plans the backfill that an execution is started for; where its range reaches behind what the trace store holds, it answers first what
 * the archive is to be asked, and is called again. What is refused is an answer: to repeat it would not help.
 */
export function createHandler(deps: PlanBackfillDeps): (event: unknown) => Promise<Planned> {
  return async (event) => {
    let asked: Backfill | undefined;
    try {
      const task = parsed(event);
      asked = await askedFor(task, deps);
      const attempt = attemptOf(task);
      if (attempt !== undefined && attempt !== asked.attempt) return { ...planAnswer(asked), state: 'superseded' };
      const { survey, restoredBy, tries } = task.archive;
      // Once it was stopped the parts of an attempt are left out, also where the next attempt has begun meanwhile.
      const restored = restoredBy === asked.attempt;
      const step = await archiveStep(asked, { progress: { survey: surveyOf(survey), restored, tries }, deps });
      return step.next === 'plan' ? planAnswer(await planBackfill(step.backfill, deps)) : planAnswer(asked, step);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { code, message } = error;
      if (asked) await failBackfill(asked, { reason: message, deps });
      return { state: 'refused', code, message };
    }
  };
}

/** Of an execution that comes back from the archive, when the next attempt may have begun; undefined where it is not known. */
function attemptOf({ input }: PlanTask): number | undefined {
  if (!('backfill_id' in input)) return 1;
  return input.resume ? undefined : input.attempt;
}

type PlanTask = z.output<typeof planTask>;

function parsed(event: unknown): PlanTask {
  const { success, data, error } = planTask.safeParse(event);
  if (success) return data;
  const problems = error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new ApiError('INVALID_PARAMETER_VALUE', problems.join('; '));
}

async function askedFor({ execution, input, archive }: PlanTask, deps: PlanDeps): Promise<Backfill> {
  if (!('backfill_id' in input)) return askForBackfill(toBackfillRequest(input), { backfillId: execution, deps });
  const ref = { experimentId: input.experiment_id, backfillId: input.backfill_id };
  // Once: when the execution comes back from the archive, it has been resumed.
  if (input.resume && archive.survey.length === 0 && archive.restoredBy === 0 && archive.tries === 0)
    return resumeBackfill(ref, { maxCostUsd: input.max_cost_usd, deps });
  return existingBackfill(ref, deps.backfills);
}
