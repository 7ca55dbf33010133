import { randomBytes } from 'node:crypto';
import type { Assessment } from '../../../shared/domain/assessment.ts';
import { aTraceId, noon } from './a-trace-info.ts';

/** A scorer's feedback, but for what the test is about. */
export function anAssessment(given: Partial<Assessment> = {}): Assessment {
  return {
    assessmentId: `a-${randomBytes(16).toString('hex')}`,
    traceId: aTraceId(),
    experimentId: '7',
    name: 'length',
    source: { type: 'CODE', id: 'length' },
    createdAt: noon,
    updatedAt: noon,
    kind: 'feedback',
    value: true,
    metadata: {},
    valid: true,
    ...given,
  };
}
