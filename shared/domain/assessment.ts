import type { JsonValue } from './span.ts';

/** One feedback or expectation on a trace, MLflow's entity. */
export interface Assessment {
  /** `a-` and 32 hex digits; of a scorer's feedback a hash of what it judges (see `assessmentId`). */
  readonly assessmentId: string;
  readonly traceId: string;
  readonly experimentId: string;
  readonly name: string;
  readonly source: { readonly type: 'HUMAN' | 'LLM_JUDGE' | 'CODE'; readonly id: string };
  /** Epoch ms. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly kind: 'feedback' | 'expectation';
  readonly value: JsonValue;
  /** A failure is never a score: with an error the value is null. */
  readonly error?: AssessmentError;
  readonly rationale?: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** 16 hex digits of the span it is about; absent: the whole trace. */
  readonly spanId?: string;
  readonly overrides?: string;
  readonly valid: boolean;
  /** Of assessments by a registered scorer; without a sampling rate where it judged on demand. */
  readonly scorer?: { readonly name: string; readonly version: number; readonly sampleRate?: number | undefined };
}

export interface AssessmentError {
  readonly code: string;
  readonly message: string;
  readonly stackTrace?: string;
}
