import process from 'node:process';
import type { z } from 'zod';

/** The only reader of the environment. A missing or wrong variable fails the init phase, not the first message, and is named. */
export function readEnv<S extends z.ZodType>(schema: S): z.output<S> {
  const result = schema.safeParse(process.env);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new Error(`environment: ${problems.join('; ')}`);
}
