import { createHash } from 'node:crypto';
import * as z from 'zod';
import { ApiError } from '../domain/api-error.ts';
import type { Assessment } from '../domain/assessment.ts';
import type { JsonValue } from '../domain/span.ts';

/** MLflow's Assessment as clients send it (mlflow/protos/assessments.proto), 3.9 to 3.18. */

const json: z.ZodType<JsonValue> = z.json() as z.ZodType<JsonValue>;

const time = z
  .string()
  .nullish()
  .transform((text) => {
    const epochMs = Date.parse(text ?? '');
    return Number.isFinite(epochMs) ? epochMs : undefined;
  });

const feedback = z.object({
  value: json.nullish(),
  error: z
    .object({
      error_code: z.string(),
      error_message: z.string().nullish(),
      stack_trace: z.string().nullish(),
    })
    .nullish(),
});

const expectation = z.object({
  value: json.nullish(),
  serialized_value: z.object({ value: z.string() }).nullish(),
});

const texts = z.record(z.string(), z.string()).nullish();

const sentAssessment = z.object({
  assessment_id: z
    .string()
    .regex(/^a-[0-9a-f]{32}$/, 'an assessment id is "a-" and 32 hex digits')
    .nullish()
    .or(z.literal('')),
  assessment_name: z.string().min(1).max(250),
  source: z
    .object({
      source_type: z.enum(['HUMAN', 'LLM_JUDGE', 'AI_JUDGE', 'CODE', 'SOURCE_TYPE_UNSPECIFIED']),
      source_id: z.string().nullish(),
    })
    .nullish(),
  create_time: time,
  last_update_time: time,
  feedback: feedback.nullish(),
  expectation: expectation.nullish(),
  rationale: z.string().nullish(),
  metadata: texts,
  span_id: z.string().nullish(),
  overrides: z.string().nullish(),
  valid: z.boolean().nullish(),
});

export type SentAssessment = z.output<typeof sentAssessment>;

export const createAssessmentRequest = z.object({ assessment: sentAssessment });

/** Which fields a PATCH changes: camelCase and joined by commas, as protobuf's JSON writes a FieldMask; snake_case does as well. */
export const updateAssessmentRequest = z.object({
  assessment: sentAssessment.partial(),
  update_mask: z.string().nullish(),
});

/**
 * The assessment that was sent, under an id that the same sending always gets: clients repeat a request whose answer was lost, and
 * must not leave two. Without a time of its own each sending is another one.
 */
export function toAssessment(
  sent: SentAssessment,
  { traceId, experimentId, now, newId }: { traceId: string; experimentId: string; now: number; newId: () => string },
): Assessment {
  const createdAt = sent.create_time ?? now;
  const body = bodyOf(sent);
  const type = sent.source?.source_type ?? (body.kind === 'feedback' ? 'CODE' : 'HUMAN');
  const content: Omit<Assessment, 'assessmentId'> = {
    traceId,
    experimentId,
    name: sent.assessment_name,
    source: {
      type: type === 'AI_JUDGE' ? 'LLM_JUDGE' : type === 'SOURCE_TYPE_UNSPECIFIED' ? 'CODE' : type,
      id: sent.source?.source_id || 'default',
    },
    createdAt,
    updatedAt: sent.last_update_time ?? createdAt,
    ...body,
    ...(sent.rationale && { rationale: sent.rationale }),
    metadata: sent.metadata ?? {},
    ...(sent.span_id && { spanId: sent.span_id }),
    ...(sent.overrides && { overrides: sent.overrides }),
    valid: sent.valid ?? true,
  };
  const hash = () => createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 32);
  return {
    assessmentId: sent.assessment_id || `a-${sent.create_time === undefined ? newId() : hash()}`,
    ...content,
  };
}

type Body = Pick<Assessment, 'kind' | 'value' | 'error'>;

/** @throws ApiError where it is neither feedback nor an expectation, or both */
function bodyOf({ feedback, expectation }: Pick<SentAssessment, 'feedback' | 'expectation'>): Body {
  if (feedback && expectation) throw eitherOr();
  if (expectation) return { kind: 'expectation', value: expectationValue(expectation) };
  if (!feedback) throw eitherOr();
  const { error } = feedback;
  if (!error) return { kind: 'feedback', value: feedback.value ?? null };
  return {
    kind: 'feedback',
    value: null,
    error: {
      code: error.error_code,
      message: error.error_message ?? '',
      ...(error.stack_trace && { stackTrace: error.stack_trace }),
    },
  };
}

function eitherOr(): ApiError {
  return new ApiError('INVALID_PARAMETER_VALUE', 'an assessment has either a feedback or an expectation');
}

/** Lists and maps come as JSON text. */
function expectationValue({ value, serialized_value: serialized }: z.output<typeof expectation>): JsonValue {
  if (!serialized) return value ?? null;
  try {
    return JSON.parse(serialized.value) as JsonValue;
  } catch (error) {
    throw new ApiError(
      'INVALID_PARAMETER_VALUE',
      `the expectation's serialized value is not JSON: ${(error as Error).message}`,
    );
  }
}

/** The assessment as a PATCH changes it: source and span stay, metadata are merged, feedback stays feedback. @throws ApiError */
export function withUpdate(
  before: Assessment,
  { assessment: sent, update_mask: mask }: z.output<typeof updateAssessmentRequest>,
  now: number,
): Assessment {
  const named = mask ? new Set(mask.split(',').map(snakeCase)) : undefined;
  const isMeant = (field: keyof SentAssessment) => sent[field] !== undefined && (named?.has(field) ?? true);
  const body =
    isMeant('feedback') || isMeant('expectation')
      ? bodyOf({ feedback: sent.feedback, expectation: sent.expectation })
      : undefined;
  if (body && body.kind !== before.kind) {
    throw new ApiError(
      'INVALID_PARAMETER_VALUE',
      `Cannot update ${body.kind} value on a ${before.kind} assessment: log another assessment instead`,
    );
  }
  const { error: _, ...withoutError } = before;
  return {
    ...(body ? withoutError : before),
    ...body,
    ...(isMeant('assessment_name') && { name: sent.assessment_name as string }),
    ...(isMeant('rationale') && sent.rationale && { rationale: sent.rationale }),
    ...(isMeant('metadata') && { metadata: { ...before.metadata, ...sent.metadata } }),
    ...(isMeant('valid') && { valid: sent.valid ?? true }),
    updatedAt: now,
  };
}

function snakeCase(field: string): string {
  return field.trim().replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
