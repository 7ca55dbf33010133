import { createHash } from 'node:crypto';

/** What an assessment is about; two writings with the same identity are versions of one assessment. */
export interface AssessmentIdentity {
  readonly traceId: string;
  readonly scorerId: string;
  readonly scorerVersion: number;
  readonly spanId?: string;
  readonly feedbackName: string;
  /** Position among the scorer's results of this name. */
  readonly ordinal: number;
}

/** `a-` and 32 hex digits: running the same scorer version again overwrites its assessment, it never stacks. */
export function assessmentId(identity: AssessmentIdentity): string {
  const { traceId, scorerId, scorerVersion, spanId = '', feedbackName, ordinal } = identity;
  const text = [traceId, scorerId, scorerVersion, spanId, feedbackName, ordinal].join('\0');
  return `a-${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
}
