import * as z from 'zod';

export const envSchema = z.object({
  TRACES_TABLE: z.string().min(1),
  REGISTRY_TABLE: z.string().min(1),
  TRACE_STORE_BUCKET: z.string().min(1),
  ARCHIVE_BUCKET: z.string().min(1),
  TRACE_RETENTION_DAYS: z
    .string()
    .regex(/^[1-9]\d*$/)
    .transform(Number),
});

/** The variables that the function's construct must set. */
export type RestoreTracesEnv = z.input<typeof envSchema>;
