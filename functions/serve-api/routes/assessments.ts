import * as z from 'zod';
import { mlflowAssessment } from '../../../shared/contracts/mlflow-entities.ts';
import { ApiError } from '../../../shared/domain/api-error.ts';
import type { Assessment } from '../../../shared/domain/assessment.ts';
import type { AssessmentStore, Clock, TraceReader } from '../../../shared/domain/ports.ts';
import type { JsonValue } from '../../../shared/domain/span.ts';
import { fitsItem, parse, tooLarge } from '../request.ts';
import { admins, type Route, readers } from '../router.ts';

export interface AssessmentRouteDeps {
  readonly index: Pick<TraceReader, 'getInfos'>;
  readonly assessments: AssessmentStore;
  /** 32 hex digits. */
  readonly newId: () => string;
  readonly now: Clock;
}

const json: z.ZodType<JsonValue> = z.json() as z.ZodType<JsonValue>;

const creation = z.object({
  assessment: z
    .object({
      assessment_name: z.string().min(1),
      source: z
        .object({
          source_type: z.enum(['HUMAN', 'LLM_JUDGE', 'AI_JUDGE', 'CODE']),
          source_id: z.string().default('default'),
        })
        .default({ source_type: 'HUMAN', source_id: 'default' }),
      feedback: z
        .object({
          value: json.nullish(),
          error: z.object({ error_code: z.string(), error_message: z.string().default('') }).nullish(),
        })
        .optional(),
      expectation: z
        .object({ value: json.optional(), serialized_value: z.object({ value: z.string() }).optional() })
        .optional(),
      rationale: z.string().nullish(),
      metadata: z.record(z.string(), z.string()).nullish(),
      span_id: z.string().nullish(),
    })
    .refine(fitsItem, tooLarge),
});

type Creation = z.output<typeof creation>['assessment'];

export function assessmentRoutes({ index, assessments, newId, now }: AssessmentRouteDeps): readonly Route[] {
  const base = '/api/3.0/mlflow/traces/{traceId}/assessments';
  return [
    {
      method: 'POST',
      path: base,
      roles: admins,
      handle: async ({ parameters, body, requireExperiment }) => {
        const traceId = parameters.traceId ?? '';
        const { assessment: wanted } = parse(creation, body);
        const info = (await index.getInfos([traceId])).get(traceId);
        if (!info) throw new ApiError('RESOURCE_DOES_NOT_EXIST', `Trace with ID '${traceId}' not found.`);
        requireExperiment(info.experimentId);
        const created = toAssessment(wanted, {
          traceId,
          experimentId: info.experimentId,
          id: `a-${newId()}`,
          now: now(),
        });
        await assessments.put([created]);
        return { json: { assessment: mlflowAssessment(created) } };
      },
    },
    {
      method: 'GET',
      path: `${base}/{assessmentId}`,
      roles: readers,
      handle: async ({ parameters, requireExperiment }) => {
        const { traceId = '', assessmentId = '' } = parameters;
        const found = (await assessments.list(traceId)).find((assessment) => assessment.assessmentId === assessmentId);
        if (!found)
          throw new ApiError(
            'RESOURCE_DOES_NOT_EXIST',
            `Assessment with ID '${assessmentId}' not found for trace '${traceId}'`,
          );
        requireExperiment(found.experimentId);
        return { json: { assessment: mlflowAssessment(found) } };
      },
    },
  ];
}

function toAssessment(
  wanted: Creation,
  { traceId, experimentId, id, now }: { traceId: string; experimentId: string; id: string; now: number },
): Assessment {
  const { feedback, expectation } = wanted;
  if ((feedback === undefined) === (expectation === undefined)) {
    throw new ApiError('INVALID_PARAMETER_VALUE', 'an assessment has either a feedback or an expectation');
  }
  const type = wanted.source.source_type === 'AI_JUDGE' ? 'LLM_JUDGE' : wanted.source.source_type;
  return {
    assessmentId: id,
    traceId,
    experimentId,
    name: wanted.assessment_name,
    source: { type, id: wanted.source.source_id },
    createdAt: now,
    updatedAt: now,
    kind: feedback ? 'feedback' : 'expectation',
    value: feedback?.error ? null : feedback ? (feedback.value ?? null) : expectationValue(expectation),
    ...(feedback?.error && { error: { code: feedback.error.error_code, message: feedback.error.error_message } }),
    ...(wanted.rationale && { rationale: wanted.rationale }),
    metadata: wanted.metadata ?? {},
    ...(wanted.span_id && { spanId: wanted.span_id }),
    valid: true,
  };
}

/** Lists and maps come as JSON text. */
function expectationValue(expectation: Creation['expectation']): JsonValue {
  if (expectation?.serialized_value === undefined) return expectation?.value ?? null;
  try {
    return JSON.parse(expectation.serialized_value.value) as JsonValue;
  } catch (error) {
    throw new ApiError(
      'INVALID_PARAMETER_VALUE',
      `the expectation's serialized value is not JSON: ${(error as Error).message}`,
    );
  }
}
