import type { Assessment } from '../domain/assessment.ts';
import { expiresAt } from './trace-item.ts';

const formatVersion = 1;

/** One assessment, beside the trace it is about. It lives as long as the trace store keeps the trace. */
export function toAssessmentItem(assessment: Assessment, options: { retentionDays: number }): Record<string, unknown> {
  const { traceId, ...rest } = assessment;
  return {
    pk: traceId,
    sk: assessmentSortKey(assessment.assessmentId),
    v: formatVersion,
    ...rest,
    expiresAt: expiresAt(assessment.updatedAt, options.retentionDays),
  };
}

export function fromAssessmentItem(item: Record<string, unknown>): Assessment {
  if (item.v !== formatVersion)
    throw new Error(`assessment item of format ${String(item.v)}, expected ${formatVersion}`);
  const { pk, sk: _, v: __, expiresAt: ___, ...rest } = item;
  return { traceId: pk as string, ...rest } as Assessment;
}

export function assessmentSortKey(assessmentId: string): string {
  return `assessment#${assessmentId}`;
}
