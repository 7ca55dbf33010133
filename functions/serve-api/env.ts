import * as z from 'zod';

export const envSchema = z.object({
  TRACES_TABLE: z.string().min(1),
  REGISTRY_TABLE: z.string().min(1),
  REQUEST_COUNTS_TABLE: z.string().min(1),
  TRACE_STORE_BUCKET: z.string().min(1),
  ARRIVALS_QUEUE_URL: z.string().min(1),
  ASSESSMENTS_STREAM: z.string().min(1),
  /** ARN. */
  BACKFILL_STATE_MACHINE: z.string().min(1),
  TRACES_STREAM: z.string().min(1),
  RUN_SCORERS_FUNCTION: z.string().min(1),
  TRACE_RETENTION_DAYS: z
    .string()
    .regex(/^[1-9]\d*$/)
    .transform(Number),
});

/** The variables that the function's construct must set. */
export type ServeApiEnv = z.input<typeof envSchema>;
