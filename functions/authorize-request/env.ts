import * as z from 'zod';

export const envSchema = z.object({
  REGISTRY_TABLE: z.string().min(1),
});

/** The variables that the function's construct must set. */
export type AuthorizeRequestEnv = z.input<typeof envSchema>;
