import * as z from 'zod';
import type { ArchiveStep, Survey } from '../domain/backfilling/archived-part.ts';
import type { Backfill } from '../domain/backfilling/backfill.ts';
import { sliceLine } from './backfill-files.ts';
import { backfillInput } from './backfill-input.ts';
import { experimentIdField } from './mlflow-fields.ts';
import { onlyFields } from './only-fields.ts';

/** What the state machine gives its functions, and what they answer. */

/** A backfill that is there already: asked for, or resumed, through the API; or, with `resume`, to be resumed by this execution. */
const startedInput = z.object({
  experiment_id: experimentIdField,
  backfill_id: z.string().min(1),
  resume: z.boolean().default(false),
  /** That this execution is of. */
  attempt: z.number().int().optional(),
  max_cost_usd: z.number().positive().optional(),
});

/** A row as Athena answers it: GetQueryResults, whose first row holds the names. A value that is null is left out. */
const athenaRow = z.object({ Data: z.array(z.object({ VarCharValue: z.string().optional() })) });

/** Step Functions has state machines that start others say so in the input, for its console to link them. */
const begunInput = onlyFields({
  ...backfillInput.shape,
  AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID: z.string().optional(),
});

/** Read as the one that it is meant to be, for what is wrong with it to be told. */
const executionInput = z.unknown().transform((given, context) => {
  const isStarted = typeof given === 'object' && given !== null && 'backfill_id' in given;
  const { data, error } = (isStarted ? startedInput : begunInput).safeParse(given);
  if (data) return data;
  for (const issue of error.issues) context.issues.push({ ...issue, input: given } as z.core.$ZodRawIssue);
  return z.NEVER;
});

/**
 * `execution` is the name of the execution, and of a backfill that it begins; `archive`: how far it is with the archive, `restoredBy` the
 * attempt that has restored, or 0.
 */
export const planTask = z.object({
  execution: z.string().min(1),
  input: executionInput,
  archive: z
    .object({ survey: z.array(athenaRow).default([]), restoredBy: z.number().int(), tries: z.number().int() })
    .default({ survey: [], restoredBy: 0, tries: 0 }),
});

/** What the archive was asked for the plan; undefined where it was not. */
export function surveyOf([, row]: readonly z.output<typeof athenaRow>[]): Survey | undefined {
  if (row === undefined) return undefined;
  const [found, notSampled, spans, firstDay, lastDay, ...open] = row.Data.map(({ VarCharValue }) => VarCharValue);
  return {
    found: Number(found),
    notSampled: Number(notSampled),
    spans: Number(spans),
    open: open.map(Number),
    ...(firstDay !== undefined && lastDay !== undefined && { rows: { firstDay, lastDay } }),
  };
}

/** What the rest of the execution works with; all of it, for an expression that names what is not there fails. */
export function planAnswer(
  { experimentId, backfillId, attempt, state, plan, maxConcurrency }: Backfill,
  step?: Exclude<ArchiveStep, { readonly next: 'plan' }>,
) {
  const { slicesKey = '', slices = 0 } = plan ?? {};
  const { next = 'plan', query = '' } = step ?? {};
  const buckets = step?.next === 'restore' ? step.buckets : 0;
  return { state, experimentId, backfillId, attempt, slicesKey, slices, maxConcurrency, next, query, buckets };
}

const ref = z.object({ experimentId: z.string(), backfillId: z.string(), attempt: z.number().int() });

/** A child of the map: its slices, under the names that Step Functions gives a batch. */
export const sliceTask = z.object({ BatchInput: ref, Items: z.array(sliceLine) });

/** A part of what was unloaded: one of the buckets, and the address of the manifest that names its files. */
export const restoreTask = ref.extend({ manifest: z.string().startsWith('s3://'), bucket: z.number().int() });

/** `failure`: why the execution cannot go on. */
export const concludeTask = ref.extend({ round: z.number().int(), failure: z.string().optional() });
