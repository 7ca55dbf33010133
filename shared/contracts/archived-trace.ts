import * as z from 'zod';
import type { Assessment } from '../domain/assessment.ts';
import type { ArchivedFacts, ArchivedTrace } from '../domain/backfilling/restore-traces.ts';
import type { JsonValue } from '../domain/span.ts';
import type { Cost, TokenUsage } from '../domain/trace.ts';
import type { AssessmentRow, SpanRow, TraceRow } from './archive-columns.ts';
import { cells } from './archive-queries.ts';
import { archivedSpan, type Texts } from './archived-span.ts';

/** A line of what was unloaded. */
const unloadedLine = z.object({
  kind: z.enum(['trace', 'span', 'assessment']),
  trace_id: z.string(),
  cells: z.array(z.string().nullable()),
});

/** The rows of one trace, of the versions of a row only the preferred one. */
export interface UnloadedTrace {
  trace?: Texts<TraceRow>;
  readonly spans: Map<string, Texts<SpanRow>>;
  readonly assessments: Map<string, Texts<AssessmentRow>>;
}

/** Adds a line to the traces, by their ids. Lines may come in any order, and twice. */
export function addUnloaded(line: string, traces: Map<string, UnloadedTrace>): void {
  const { kind, trace_id: traceId, cells: texts } = unloadedLine.parse(JSON.parse(line));
  const of: UnloadedTrace = traces.get(traceId) ?? { spans: new Map(), assessments: new Map() };
  traces.set(traceId, of);
  const row = Object.fromEntries(cells[kind].map((column, i) => [column, texts[i]]));
  if (kind === 'trace') of.trace = row;
  else if (kind === 'span')
    prefer(of.spans, { id: String(row.span_id), row, by: ['end_time_unix_nano', 'size_bytes'] });
  else prefer(of.assessments, { id: String(row.assessment_id), row, by: ['updated_at', 'archived_at'] });
}

type Row = Texts<Record<string, unknown>>;

/** As `rowPreference` has it for the views. */
function prefer(rows: Map<string, Row>, { id, row, by }: { id: string; row: Row; by: readonly string[] }): void {
  const known = rows.get(id);
  const differing = by.find((column) => known && known[column] !== row[column]);
  if (known && (differing === undefined || numberIn(known, differing) > numberIn(row, differing))) return;
  rows.set(id, row);
}

function numberIn(row: Row, column: string): bigint {
  return BigInt(row[column] ?? 0);
}

/** A trace as its rows say it; undefined where its own row is not there. */
export function archivedTrace({ trace, spans, assessments }: UnloadedTrace): ArchivedTrace | undefined {
  if (trace === undefined) return undefined;
  const written = [...assessments.values()].map(archivedAssessment);
  return {
    traceId: trace.trace_id ?? '',
    experimentId: trace.experiment_id ?? '',
    revision: Number(trace.revision),
    isComplete: trace.completeness === 'complete',
    facts: archivedFacts(trace),
    spans: [...spans.values()].map(archivedSpan),
    assessments: written,
  };
}

function archivedFacts(row: Texts<TraceRow>): ArchivedFacts {
  const tokens = defined<TokenUsage>({
    inputTokens: row.input_tokens,
    outputTokens: row.output_tokens,
    totalTokens: row.total_tokens,
    cacheReadInputTokens: row.cache_read_input_tokens,
    cacheCreationInputTokens: row.cache_creation_input_tokens,
  });
  const cost = defined<Cost>({ inputCost: row.input_cost, outputCost: row.output_cost, totalCost: row.total_cost });
  return {
    requestTime: Number(row.request_time),
    durationMs: Number(row.duration_ms),
    state: row.state as ArchivedFacts['state'],
    tags: parsed(row.tags) as ArchivedFacts['tags'],
    metadata: parsed(row.metadata) as ArchivedFacts['metadata'],
    ...(row.client_request_id && { clientRequestId: row.client_request_id }),
    ...(row.request_preview && { requestPreview: row.request_preview }),
    ...(row.response_preview && { responsePreview: row.response_preview }),
    ...(tokens && { tokens }),
    ...(cost && { cost }),
    ...(row.linked_runs && { linkedRuns: parsed(row.linked_runs) as readonly string[] }),
  };
}

function archivedAssessment(row: Texts<AssessmentRow>): Assessment {
  const text = <Column extends keyof AssessmentRow>(column: Column) => row[column] ?? undefined;
  const [code, stackTrace, rate] = [text('error_code'), text('error_stack_trace'), text('sample_rate')];
  return {
    assessmentId: text('assessment_id') ?? '',
    traceId: text('trace_id') ?? '',
    experimentId: text('experiment_id') ?? '',
    name: text('name') ?? '',
    source: { type: text('source_type') as Assessment['source']['type'], id: text('source_id') ?? '' },
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
    kind: text('kind') as Assessment['kind'],
    value: JSON.parse(text('value') ?? 'null') as JsonValue,
    ...(code !== undefined && {
      error: { code, message: text('error_message') ?? '', ...(stackTrace !== undefined && { stackTrace }) },
    }),
    ...optional('rationale', text('rationale')),
    metadata: parsed(row.metadata) as Assessment['metadata'],
    ...optional('spanId', text('span_id')),
    ...optional('overrides', text('overrides')),
    valid: text('valid') === 'true',
    ...(row.scorer_name && {
      scorer: {
        name: row.scorer_name,
        version: Number(row.scorer_version),
        ...(rate !== undefined && { sampleRate: Number(rate) }),
      } as NonNullable<Assessment['scorer']>,
    }),
  };
}

function optional<Name extends string>(name: Name, value: string | undefined) {
  return (value === undefined ? {} : { [name]: value }) as { readonly [_ in Name]?: string };
}

function parsed(text: string | null | undefined): unknown {
  return JSON.parse(text ?? '{}');
}

/** The numbers that are there; undefined where none is. */
function defined<T extends object>(texts: { readonly [K in keyof T]?: string | null | undefined }): T | undefined {
  const there = Object.entries(texts).filter(([, text]) => text !== null && text !== undefined);
  return there.length > 0 ? (Object.fromEntries(there.map(([name, text]) => [name, Number(text)])) as T) : undefined;
}
