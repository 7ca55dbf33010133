import * as z from 'zod';

export const envSchema = z.object({
  REGISTRY_TABLE: z.string().min(1),
  REQUEST_COUNTS_TABLE: z.string().min(1),
  ARRIVALS_QUEUE_URL: z.string().min(1),
  TRACE_STORE_BUCKET: z.string().min(1),
});

/** The variables that the function's construct must set. */
export type ReceiveTracesEnv = z.input<typeof envSchema>;
