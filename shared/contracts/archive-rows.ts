import type { Assessment } from '../domain/assessment.ts';
import { jsonText } from '../domain/facts/attribute-text.ts';
import { sessionOf, userOf } from '../domain/facts/who.ts';
import type { ArchivedSpan } from '../domain/ports.ts';
import type { Attributes, AttributeValue, JsonValue, Span } from '../domain/span.ts';
import type { SpanText } from '../domain/span-facts.ts';
import type { ExplicitField, TraceInfo } from '../domain/trace.ts';
import type { AssessmentRow, SpanRow, TraceRow } from './archive-columns.ts';

/** The row of one revision of a trace. */
export function traceRow(
  { traceId, experimentId, revision, completeness, facts, explicit }: TraceInfo,
  archivedAt: number,
): TraceRow {
  const { tokens, cost } = facts;
  const said = (field: ExplicitField) => explicit?.fields.includes(field);
  return {
    revision,
    trace_id: traceId,
    experiment_id: experimentId,
    request_time: timestamp(facts.requestTime),
    duration_ms: facts.durationMs,
    state: facts.state,
    completeness,
    name: facts.tags['mlflow.traceName'] ?? facts.name,
    client_request_id: facts.clientRequestId,
    session_id: sessionOf(facts),
    user_id: userOf(facts),
    tags: JSON.stringify(facts.tags),
    metadata: JSON.stringify(facts.metadata),
    models: facts.models,
    input_tokens: tokens?.inputTokens,
    output_tokens: tokens?.outputTokens,
    total_tokens: tokens?.totalTokens,
    cache_read_input_tokens: tokens?.cacheReadInputTokens,
    cache_creation_input_tokens: tokens?.cacheCreationInputTokens,
    input_cost: cost?.inputCost,
    output_cost: cost?.outputCost,
    total_cost: cost?.totalCost,
    span_count: facts.spanCount,
    error_count: facts.errorCount,
    tool_call_count: facts.toolCallCount,
    tool_error_count: facts.toolErrorCount,
    request_preview: said('requestPreview') ? facts.requestPreview : undefined,
    response_preview: said('responsePreview') ? facts.responsePreview : undefined,
    linked_runs: facts.linkedRuns && JSON.stringify(facts.linkedRuns),
    archived_at: timestamp(archivedAt),
  } as TraceRow;
}

/** The row that says that a trace was deleted. */
export function deletedTraceRow(
  { traceId, experimentId }: Pick<TraceInfo, 'traceId' | 'experimentId'>,
  deletedAt: number,
): TraceRow {
  const at = timestamp(deletedAt);
  return { trace_id: traceId, experiment_id: experimentId, deleted_at: at, archived_at: at };
}

/** The row of one span; what stands in `inputs` and `outputs` is left out of `attributes`. */
export function spanRow({ span, facts, sizeBytes, experimentId, isForeign }: ArchivedSpan): SpanRow {
  const { tokens } = facts;
  const traceId = `tr-${span.traceId}`;
  return {
    trace_id: traceId,
    span_id: span.spanId,
    parent_span_id: span.parentSpanId,
    experiment_id: experimentId,
    is_foreign: isForeign || undefined,
    name: span.name,
    kind: span.kind,
    span_type: facts.type,
    start_time_unix_nano: signed(span.startTimeUnixNano),
    end_time_unix_nano: signed(span.endTimeUnixNano),
    status_code: span.status.code,
    status_message: span.status.message || undefined,
    model: facts.model,
    provider: facts.provider,
    input_tokens: tokens?.inputTokens,
    output_tokens: tokens?.outputTokens,
    total_tokens: tokens?.totalTokens,
    cache_read_input_tokens: tokens?.cacheReadInputTokens,
    cache_creation_input_tokens: tokens?.cacheCreationInputTokens,
    total_cost: facts.cost?.totalCost,
    tool_name: facts.tool?.name,
    tool_failed: facts.tool?.failed,
    inputs: facts.inputs?.text,
    inputs_attribute: facts.inputs?.attribute,
    inputs_structured: isStructured(span, facts.inputs) || undefined,
    outputs: facts.outputs?.text,
    outputs_attribute: facts.outputs?.attribute,
    outputs_structured: isStructured(span, facts.outputs) || undefined,
    attributes: jsonText(without(span.attributes, [facts.inputs?.attribute, facts.outputs?.attribute])),
    events: span.events.length > 0 ? jsonText(span.events.map(plainEvent)) : undefined,
    links: span.links.length > 0 ? jsonText(span.links.map((link) => ({ ...link }))) : undefined,
    resource_attributes: jsonText(span.resource.attributes),
    scope_name: span.scope.name || undefined,
    scope_version: span.scope.version || undefined,
    trace_state: span.traceState,
    size_bytes: sizeBytes,
  } as SpanRow;
}

/** The row of one writing of an assessment. */
export function assessmentRow(assessment: Assessment, archivedAt: number): AssessmentRow {
  const { assessmentId, scorer, error } = assessment;
  return {
    assessment_id: assessmentId,
    trace_id: assessment.traceId,
    experiment_id: assessment.experimentId,
    name: assessment.name,
    kind: assessment.kind,
    source_type: assessment.source.type,
    source_id: assessment.source.id,
    value: JSON.stringify(assessment.value),
    value_number: asNumber(assessment.value),
    value_text: typeof assessment.value === 'string' ? assessment.value : undefined,
    error_code: error?.code,
    error_message: error?.message,
    error_stack_trace: error?.stackTrace,
    rationale: assessment.rationale,
    metadata: JSON.stringify(assessment.metadata),
    span_id: assessment.spanId,
    overrides: assessment.overrides,
    scorer_name: scorer?.name,
    scorer_version: scorer?.version,
    sample_rate: scorer?.sampleRate,
    valid: assessment.valid,
    created_at: timestamp(assessment.createdAt),
    updated_at: timestamp(assessment.updatedAt),
    archived_at: timestamp(archivedAt),
  } as AssessmentRow;
}

/** The row as a JSON document. A bigint is written as the integer it is: Firehose reads bigint columns from integers. */
export function rowText(row: object): string {
  let text = '{';
  for (const [name, value] of Object.entries(row)) {
    if (value === undefined || value === null) continue;
    text += `${text.length > 1 ? ',' : ''}"${name}":${typeof value === 'bigint' ? value : JSON.stringify(value)}`;
  }
  return `${text}}`;
}

/** `yyyy-MM-dd HH:mm:ss.SSS` in UTC. */
function timestamp(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 23).replace('T', ' ');
}

/** A bigint column is signed; a time beyond the year 2262 is nobody's. */
function signed(nanos: bigint): bigint {
  return nanos <= 0x7fff_ffff_ffff_ffffn ? nanos : 0x7fff_ffff_ffff_ffffn;
}

function without(attributes: Attributes, names: readonly (string | undefined)[]): Attributes {
  const rest: Record<string, AttributeValue> = {};
  for (const name in attributes) if (!names.includes(name)) rest[name] = attributes[name] as AttributeValue;
  return rest;
}

function plainEvent({ timeUnixNano, name, attributes }: Span['events'][number]): Attributes {
  return { time_unix_nano: timeUnixNano, name, attributes };
}

function isStructured({ attributes }: Span, text: SpanText | undefined): boolean {
  return text?.attribute !== undefined && typeof attributes[text.attribute] !== 'string';
}

/** Yes and true count as 1, no and false as 0; other texts have no number. */
function asNumber(value: JsonValue): number | undefined {
  if (typeof value === 'number') return value;
  if (value === true || value === 'yes' || value === 'true') return 1;
  if (value === false || value === 'no' || value === 'false') return 0;
  return undefined;
}
