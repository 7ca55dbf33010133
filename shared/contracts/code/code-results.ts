import * as z from 'zod';
import { codeErrors, maxResultLength } from '../../domain/code/run-code.ts';
import type { ScorerResult } from '../../domain/scorer.ts';
import type { JsonValue } from '../../domain/span.ts';

const maxFeedbacks = 100;
/** What DynamoDB nests is 32 levels, the item around it takes some. */
const maxDepth = 16;
const maxStackTrace = 10_000;
const maxName = 250;

const text = z.string().max(64 * 1024, 'must have at most 65536 characters');
const scalar = z.union([z.boolean(), z.number(), z.string()]);
const feedback = z
  .looseObject({
    name: z
      .string()
      .min(1)
      .max(maxName)
      .regex(/^\P{Cc}*$/u, 'must have no control characters')
      .nullish(),
    value: z.custom<JsonValue>().optional(),
    rationale: text.nullish(),
    error: z
      .union([
        text.transform((message) => ({ error_code: 'ASSESSMENT_ERROR', error_message: message })),
        z.looseObject({
          error_code: z.string().min(1).max(maxName),
          error_message: text.nullish(),
          stack_trace: z.string().nullish(),
        }),
      ])
      .nullish(),
    span_id: z.string().nullish(),
    metadata: z.record(z.string(), z.union([z.string().max(4096), z.number(), z.boolean(), z.null()])).nullish(),
  })
  .refine((given) => 'value' in given || given.error, {
    error: 'an object is a feedback and needs a value: {"value": …, "rationale": "…"}',
  });

type Feedback = z.infer<typeof feedback>;

/**
 * What code returned, as results: nothing for null, one for a boolean, number, text or feedback, one for each member of a list (MLflow,
 * `standardize_scorer_value` in mlflow/genai/evaluation/utils.py). What is none of these is one result with an error.
 */
export function parseCodeResults(returned: string, spanIds: ReadonlySet<string>): readonly ScorerResult[] {
  try {
    return readResults(returned, spanIds);
  } catch (error) {
    if (error instanceof InvalidResultError) return [failure(codeErrors.invalidResult, error.message)];
    throw error;
  }
}

export function failure(code: string, message: string): ScorerResult {
  return { value: null, error: { code, message } };
}

class InvalidResultError extends Error {
  override readonly name = 'InvalidResultError';
}

function readResults(returned: string, spanIds: ReadonlySet<string>): readonly ScorerResult[] {
  if (returned.length > maxResultLength)
    throw new InvalidResultError(`the result is ${returned.length} characters of JSON, at most ${maxResultLength}`);
  const value = parse(returned);
  if (value === null) return [];
  if (isDeeperThan(value, maxDepth))
    throw new InvalidResultError(`the result is nested deeper than ${maxDepth} levels`);
  const members = Array.isArray(value) ? value : [value];
  if (members.length > maxFeedbacks)
    throw new InvalidResultError(`the result has ${members.length} members, at most ${maxFeedbacks}`);
  return members.map((member: unknown) => readMember(member, spanIds));
}

function parse(returned: string): unknown {
  try {
    return JSON.parse(returned);
  } catch (error) {
    throw new InvalidResultError(`the result is not JSON: ${(error as Error).message}`);
  }
}

/** Without recursion of its own depth: the value is not trusted yet. */
function isDeeperThan(value: unknown, levels: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > levels) return true;
    level = level.flatMap((member) => (typeof member === 'object' && member !== null ? Object.values(member) : []));
  }
  return false;
}

function readMember(member: unknown, spanIds: ReadonlySet<string>): ScorerResult {
  const plain = scalar.safeParse(member);
  if (plain.success) return { value: plain.data };
  const parsed = feedback.safeParse(member);
  if (!parsed.success) throw new InvalidResultError(parsed.error.issues.map(explain).join('; '));
  const { span_id: spanId } = parsed.data;
  if (spanId && !spanIds.has(spanId)) throw new InvalidResultError(`span_id: the trace has no span ${spanId}`);
  return toResult(parsed.data);
}

function explain({ path, message, code }: z.core.$ZodIssue): string {
  if (path.length === 0 && code === 'invalid_type')
    return 'a scorer returns a boolean, a number, a text, a feedback {"value": …, "rationale": "…"} or a list of them';
  return path.length === 0 ? message : `${path.join('.')}: ${message}`;
}

function toResult({ name, value = null, rationale, error, span_id: spanId, metadata }: Feedback): ScorerResult {
  return {
    value: error ? null : value,
    ...(name && { name }),
    ...(rationale && { rationale }),
    ...(error && {
      error: {
        code: error.error_code,
        message: error.error_message ?? '',
        ...('stack_trace' in error && error.stack_trace && { stackTrace: error.stack_trace.slice(-maxStackTrace) }),
      },
    }),
    ...(spanId && { spanId }),
    ...(metadata && { metadata: ownMetadata(metadata) }),
  };
}

/** Code says what it wants of its judgement, but for what Assay and MLflow say of it. */
function ownMetadata(metadata: NonNullable<Feedback['metadata']>): Readonly<Record<string, string>> {
  const own = Object.entries(metadata).filter(([key, value]) => value !== null && !/^(mlflow|assay)\./.test(key));
  return Object.fromEntries(own.map(([key, value]) => [key, String(value)]));
}
