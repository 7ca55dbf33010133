import * as z from 'zod';
import type { EvaluationRequest } from '../domain/evaluation.ts';

/** What lies in the evaluations queue about a trace: it and the scorers selected for it. */
export const evaluationMessage = z.object({
  v: z.literal(1),
  kind: z.literal('trace'),
  traceId: z.string(),
  experimentId: z.string(),
  rulesVersion: z.number().int(),
  revision: z.number().int(),
  scorers: z.array(z.object({ name: z.string(), version: z.number().int(), sampleRate: z.number().optional() })),
  backfill: z.object({ id: z.string(), again: z.boolean(), since: z.number().optional() }).optional(),
});

type EvaluationMessage = z.infer<typeof evaluationMessage>;

export function toEvaluationMessage({ scorers, ...request }: EvaluationRequest): EvaluationMessage {
  return { v: 1, kind: 'trace', ...request, scorers: [...scorers] };
}

/** The same about a session, whose scorers are selected by whoever judges it: only then are its traces read. */
const sessionEvaluationMessage = z.object({
  v: z.literal(1),
  kind: z.literal('session'),
  experimentId: z.string(),
  sessionId: z.string(),
  lastActivityAt: z.number(),
});

export type SessionEvaluationMessage = z.infer<typeof sessionEvaluationMessage>;

/** Whatever lies in the queue. */
export const anyEvaluationMessage = z.discriminatedUnion('kind', [evaluationMessage, sessionEvaluationMessage]);
