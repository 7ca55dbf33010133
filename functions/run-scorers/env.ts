import * as z from 'zod';
import { judgeModelsText } from '../../shared/contracts/judge-models-config.ts';

export const envSchema = z.object({
  TRACES_TABLE: z.string().min(1),
  REGISTRY_TABLE: z.string().min(1),
  JUDGE_MEMORY_TABLE: z.string().min(1),
  TRACE_STORE_BUCKET: z.string().min(1),
  ASSESSMENTS_STREAM: z.string().min(1),
  EVALUATIONS_QUEUE_URL: z.string().min(1),
  BACKFILL_QUEUE_URL: z.string().min(1),
  RUN_PYTHON_FUNCTION: z.string().min(1),
  TRACE_RETENTION_DAYS: z
    .string()
    .regex(/^[1-9]\d*$/)
    .transform(Number),
  JUDGE_MODELS: judgeModelsText,
});

/** The variables that the function's construct must set. */
export type RunScorersEnv = z.input<typeof envSchema>;
