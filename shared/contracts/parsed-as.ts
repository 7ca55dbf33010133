import type * as z from 'zod';
import { InvalidJudgeError } from '../domain/judging/definition.ts';

/**
 * A part of a judge's definition.
 * @throws InvalidJudgeError, which says where it stands and what is wrong with it
 */
export function parsedAs<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `${[where, ...path].join('.')}: ${message}`);
  throw new InvalidJudgeError(problems.join('; '));
}
