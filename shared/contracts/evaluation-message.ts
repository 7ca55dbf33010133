import * as z from 'zod';

/** What lies in the evaluations queue: one trace and the scorers selected for it. */
export const evaluationMessage = z.object({
  v: z.literal(1),
  kind: z.literal('trace'),
  traceId: z.string(),
  experimentId: z.string(),
  rulesVersion: z.number().int(),
  revision: z.number().int(),
  scorers: z.array(z.object({ name: z.string(), version: z.number().int(), sampleRate: z.number() })),
});

export type EvaluationMessage = z.infer<typeof evaluationMessage>;
