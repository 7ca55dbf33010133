import * as z from 'zod';
import type { BackfillRequest } from '../domain/backfilling/request.ts';
import { experimentIdField } from './mlflow-fields.ts';
import { onlyFields } from './only-fields.ts';

/** The last moment that a date has (ECMAScript, "Time Values and Time Range"). */
const latestMs = 8.64e15;

/** ISO 8601 with a zone, or epoch ms. */
export const timeField = z.union(
  [z.iso.datetime({ offset: true }).transform((text) => Date.parse(text)), z.number().int().min(0).max(latestMs)],
  'expected a time with a zone, such as 2026-06-01T00:00:00Z, or epoch ms',
);

/** The same key gives what it was given with first. */
export const idempotencyKeyField = z.string().min(1).max(200).nullish();

/** What a backfill is started with: the body of the route, and the input of the state machine. */
export const backfillInput = onlyFields({
  experiment_id: experimentIdField,
  scorers: z.array(
    onlyFields({
      name: z.string().min(1),
      version: z.number().int().min(1).nullish(),
      sample_rate: z.number().nullish(),
    }),
  ),
  start_time: timeField.nullish(),
  end_time: timeField.nullish(),
  filter: z.string().nullish(),
  mode: z.enum(['missing', 'all']).default('missing'),
  dry_run: z.boolean().default(false),
  max_cost_usd: z.number().nullish(),
  max_concurrency: z.number().nullish(),
});

export function toBackfillRequest(input: z.output<typeof backfillInput>): BackfillRequest {
  return {
    experimentId: input.experiment_id,
    scorers: input.scorers.map(({ name, version, sample_rate: sampleRate }) => ({
      name,
      version: version ?? undefined,
      sampleRate: sampleRate ?? undefined,
    })),
    startTime: input.start_time ?? undefined,
    endTime: input.end_time ?? undefined,
    filter: input.filter ?? undefined,
    mode: input.mode,
    dryRun: input.dry_run,
    maxCostUsd: input.max_cost_usd ?? undefined,
    maxConcurrency: input.max_concurrency ?? undefined,
  };
}
