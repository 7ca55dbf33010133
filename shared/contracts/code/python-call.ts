import * as z from 'zod';
import type { PythonCode } from '../../domain/code/code-definition.ts';
import type { CodeAnswer, CodeInput } from '../../domain/code/run-code.ts';

/** What run-scorers asks of run-python, and its answer. */
export const pythonCall = z.object({
  code: z.object({
    language: z.literal('python'),
    source: z.string(),
    signature: z.string(),
    functionName: z.string(),
  }) satisfies z.ZodType<PythonCode>,
  input: z.object({
    traceId: z.string(),
    inputs: z.string(),
    outputs: z.string(),
    expectations: z.string(),
    trace: z.string(),
    now: z.number(),
    seed: z.number(),
  }) satisfies z.ZodType<CodeInput>,
});

export type PythonCall = z.infer<typeof pythonCall>;

export const pythonAnswer = z.union([
  z.object({ returned: z.string() }),
  z.object({ error: z.object({ code: z.string(), message: z.string(), stackTrace: z.string().optional() }) }),
]) satisfies z.ZodType<CodeAnswer>;
