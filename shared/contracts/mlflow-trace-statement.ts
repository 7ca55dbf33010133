import * as z from 'zod';
import type { TraceStatement } from '../domain/explicit-facts.ts';
import type { Cost, TokenUsage, TraceFacts } from '../domain/trace.ts';

/** What MLflow's client says of a trace when it has ended: TraceInfoV3 (mlflow/protos/service.proto). Unknown keys are passed over. */

const keyValues = z
  .record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String))
  .nullish()
  .transform((record) => record ?? {});

/** RFC 3339, as protobuf's JSON writes a Timestamp; epoch ms below the year 10000. */
const timestamp = z.string().transform((text, context) => {
  const epochMs = Date.parse(text);
  if (Number.isFinite(epochMs) && epochMs >= 0 && epochMs < 253_402_300_800_000) return epochMs;
  context.addIssue(`a time in RFC 3339 was expected (2026-11-21T01:09:34.478Z), got "${text}"`);
  return z.NEVER;
});

/** Seconds with an `s` behind, as protobuf's JSON writes a Duration; answers ms. */
const duration = z
  .string()
  .regex(/^-?\d+(\.\d{1,9})?s$/, 'a duration in seconds was expected ("0.143s")')
  .transform((text) => Math.max(0, Math.round(Number(text.slice(0, -1)) * 1000)));

const startedTrace = z.object({
  trace_id: z.string().regex(/^tr-[0-9a-f]{32}$/, 'a trace id is "tr-" and 32 hex digits'),
  trace_location: z.object({
    mlflow_experiment: z.object({ experiment_id: z.union([z.string(), z.int()]).transform(String) }),
  }),
  client_request_id: z.string().max(4_096).nullish(),
  request_time: timestamp,
  execution_duration: duration.nullish(),
  state: z.enum(['STATE_UNSPECIFIED', 'OK', 'ERROR', 'IN_PROGRESS']).nullish(),
  request_preview: z.string().nullish(),
  response_preview: z.string().nullish(),
  trace_metadata: keyValues,
  tags: keyValues,
  assessments: z.array(z.unknown()).nullish(),
});

export const startTraceRequest = z.object({ trace: z.object({ trace_info: startedTrace }) });

type StartedTrace = z.output<typeof startedTrace>;

/** Tags that say where the spans lie: ours to say. */
const ownTags = new Set(['mlflow.artifactLocation', 'mlflow.trace.spansLocation']);

export function toStatement(started: StartedTrace): TraceStatement {
  const { trace_metadata: metadata, tags } = started;
  const spanCount = numberIn(metadata['mlflow.trace.sizeStats'], 'num_spans');
  return {
    facts: defined({
      requestTime: started.request_time,
      durationMs: started.execution_duration ?? undefined,
      state: started.state === 'OK' || started.state === 'ERROR' ? started.state : undefined,
      clientRequestId: started.client_request_id || undefined,
      requestPreview: started.request_preview ?? undefined,
      responsePreview: started.response_preview ?? undefined,
      tokens: tokensIn(metadata['mlflow.trace.tokenUsage']),
      cost: costIn(metadata['mlflow.trace.cost']),
    }),
    metadata,
    tags: Object.fromEntries(Object.entries(tags).filter(([key]) => !ownTags.has(key))),
    ...(spanCount !== undefined && { spanCount }),
  };
}

function defined(facts: { [K in keyof TraceFacts]?: TraceFacts[K] | undefined }): NonNullable<TraceStatement['facts']> {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
}

/** Metadata hold JSON texts. One that cannot be read says nothing; it is kept as it is. */
function jsonIn(text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function numberIn(text: string | undefined, key: string): number | undefined {
  const value = jsonIn(text)[key];
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
}

function tokensIn(text: string | undefined): TokenUsage | undefined {
  const [inputTokens, outputTokens, total] = [
    numberIn(text, 'input_tokens'),
    numberIn(text, 'output_tokens'),
    numberIn(text, 'total_tokens'),
  ];
  if (inputTokens === undefined && outputTokens === undefined && total === undefined) return undefined;
  const [read, created] = [numberIn(text, 'cache_read_input_tokens'), numberIn(text, 'cache_creation_input_tokens')];
  return {
    inputTokens: inputTokens ?? 0,
    outputTokens: outputTokens ?? 0,
    totalTokens: total ?? (inputTokens ?? 0) + (outputTokens ?? 0),
    ...(read !== undefined && { cacheReadInputTokens: read }),
    ...(created !== undefined && { cacheCreationInputTokens: created }),
  };
}

function costIn(text: string | undefined): Cost | undefined {
  const totalCost = numberIn(text, 'total_cost');
  if (totalCost === undefined) return undefined;
  return { inputCost: numberIn(text, 'input_cost') ?? 0, outputCost: numberIn(text, 'output_cost') ?? 0, totalCost };
}
