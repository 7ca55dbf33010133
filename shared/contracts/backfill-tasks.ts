import * as z from 'zod';
import type { Backfill } from '../domain/backfilling/backfill.ts';
import { backfillInput } from './backfill-input.ts';
import { sliceLine } from './backfill-items.ts';
import { experimentIdField } from './mlflow-fields.ts';

/** What the state machine gives its functions, and what they answer. */

/** A backfill that is there already: asked for, or resumed, through the API; or, with `resume`, to be resumed by this execution. */
const startedInput = z.object({
  experiment_id: experimentIdField,
  backfill_id: z.string().min(1),
  resume: z.boolean().default(false),
  max_cost_usd: z.number().positive().optional(),
});

/** `execution` is the name of the execution, and of a backfill that it begins. */
export const planTask = z.object({
  execution: z.string().min(1),
  input: z.union([startedInput, backfillInput]),
});

/** What the rest of the execution works with; all of it, for an expression that names what is not there fails. */
export function planAnswer({ experimentId, backfillId, attempt, state, plan, maxConcurrency }: Backfill) {
  const { slicesKey = '', slices = 0 } = plan ?? {};
  return { state, experimentId, backfillId, attempt, slicesKey, slices, maxConcurrency };
}

const ref = z.object({ experimentId: z.string(), backfillId: z.string(), attempt: z.number().int() });

/** A child of the map: its slices, under the names that Step Functions gives a batch. */
export const sliceTask = z.object({ BatchInput: ref, Items: z.array(sliceLine) });

/** `failure`: why the execution cannot go on. */
export const concludeTask = ref.extend({ round: z.number().int(), failure: z.string().optional() });
