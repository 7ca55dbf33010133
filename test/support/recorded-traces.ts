import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Assessment } from '../../shared/domain/assessment.ts';
import type { RangeDeps } from '../../shared/domain/metrics/read-range.ts';
import type { JsonValue, Span } from '../../shared/domain/span.ts';
import type { TraceInfo } from '../../shared/domain/trace.ts';
import { aSpan } from './builders/a-span.ts';
import { aBlockRef, aTraceInfo } from './builders/a-trace-info.ts';
import { anAssessment } from './builders/an-assessment.ts';

/** A trace as it was sent to MLflow's server; times ms and, of spans, ns. */
interface RecordedTrace {
  readonly id: string;
  readonly experiment: 0 | 1;
  readonly start: number;
  readonly duration: number;
  readonly state: 'OK' | 'ERROR';
  readonly name: string | null;
  readonly session: string | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tokens: Readonly<Record<string, number>> | null;
  readonly spans: readonly RecordedSpan[];
  readonly assessments: readonly RecordedAssessment[];
}

interface RecordedSpan {
  readonly id: string;
  readonly parent: string | null;
  readonly name: string;
  readonly type: string;
  readonly status: 'OK' | 'ERROR' | 'UNSET';
  readonly startOffsetNs: number;
  readonly durationNs: number;
  readonly model: string | null;
  readonly provider: string | null;
  readonly cost: Readonly<Record<string, number>> | null;
}

interface RecordedAssessment {
  readonly kind: 'feedback' | 'expectation';
  readonly name: string;
  readonly value: JsonValue;
  readonly valid: boolean;
  /** Whether it is about the whole session. */
  readonly session: boolean;
}

/** The lines of a recording: what was sent to MLflow 3.18's server (SQLite), and what it answered. */
export function recorded<T>(name: 'traces' | 'metrics' | 'correlations' | 'filters'): readonly T[] {
  const text = readFileSync(join(import.meta.dirname, `mlflow-3.18/${name}.jsonl`), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}

/** Ports that hold the recorded traces in memory; a block is the id of its trace. */
export function recordedDeps(): RangeDeps {
  const traces = recorded<RecordedTrace>('traces');
  const infos = traces.map(toInfo);
  const byId = new Map(infos.map((info) => [info.traceId, info]));
  const spans = new Map(traces.map((trace) => [trace.id, trace.spans.map((span) => toSpan(span, trace))]));
  const assessments = new Map(traces.map((trace) => [`tr-${trace.id}`, toAssessments(trace)]));
  return {
    ...searchOf(infos),
    index: {
      getInfos: async (ids) => new Map(ids.flatMap((id) => (byId.has(id) ? [[id, byId.get(id) as TraceInfo]] : []))),
      readTrace: () => Promise.reject(new Error('all are settled')),
    },
    segments: { readBlock: async ({ key }) => Buffer.from(key) },
    codec: {
      decompress: (block) => block,
      merge: ([block]) => block as Uint8Array,
      decode: (block) => (spans.get(Buffer.from(block).toString()) ?? []).map((span) => ({ span, sizeBytes: 0 })),
    },
    assessments: {
      listAll: async (some) => new Map(some.map(({ traceId }) => [traceId, assessments.get(traceId) ?? []])),
    },
    now: () => 0,
  };
}

function searchOf(infos: readonly TraceInfo[]): Pick<RangeDeps, 'search'> {
  const found = infos
    .map(({ traceId, experimentId, facts }) => ({
      traceId,
      experimentId,
      time: facts.requestTime,
      position: `${facts.requestTime}#${traceId}`,
    }))
    .toSorted((a, b) => (a.position < b.position ? 1 : -1));
  return {
    search: {
      find: async ({ experimentIds, from, to, before, limit }) =>
        found
          .filter(({ experimentId, time }) => experimentIds.includes(experimentId) && time >= from && time <= to)
          .filter(({ position }) => before === undefined || position < before)
          .slice(0, limit),
    },
  };
}

function toInfo(trace: RecordedTrace): TraceInfo {
  const { tokens, spans } = trace;
  return aTraceInfo({
    traceId: `tr-${trace.id}`,
    experimentId: String(trace.experiment + 1),
    blocks: [{ ...aBlockRef(), key: trace.id }],
    assessmentIds: trace.assessments.map((_, i) => String(i)),
    facts: {
      requestTime: trace.start,
      durationMs: trace.duration,
      state: trace.state,
      ...(trace.name !== null && { name: trace.name }),
      ...(trace.session !== null && { sessionId: trace.session }),
      tags: trace.tags,
      metadata: trace.metadata,
      ...(tokens && {
        tokens: {
          inputTokens: tokens.input_tokens ?? 0,
          outputTokens: tokens.output_tokens ?? 0,
          totalTokens: tokens.total_tokens ?? 0,
          ...(tokens.cache_read_input_tokens !== undefined && { cacheReadInputTokens: tokens.cache_read_input_tokens }),
          ...(tokens.cache_creation_input_tokens !== undefined && {
            cacheCreationInputTokens: tokens.cache_creation_input_tokens,
          }),
        },
      }),
      ...(spans.some(({ cost }) => cost !== null) && { cost: { inputCost: 1, outputCost: 1, totalCost: 2 } }),
      spanCount: spans.length,
      errorCount: spans.filter(({ status }) => status === 'ERROR').length,
      toolCallCount: spans.filter(({ type }) => type === 'TOOL').length,
    },
  });
}

function toSpan(span: RecordedSpan, { id, start }: RecordedTrace): Span {
  const startTimeUnixNano = BigInt(start) * 1_000_000n + BigInt(span.startOffsetNs);
  const attributes = {
    'mlflow.spanType': span.type,
    ...(span.model !== null && { 'mlflow.llm.model': span.model }),
    ...(span.provider !== null && { 'mlflow.llm.provider': span.provider }),
    ...(span.cost !== null && { 'mlflow.llm.cost': span.cost }),
  };
  return aSpan({
    traceId: id,
    spanId: span.id,
    ...(span.parent !== null && { parentSpanId: span.parent }),
    name: span.name,
    startTimeUnixNano,
    endTimeUnixNano: startTimeUnixNano + BigInt(span.durationNs),
    attributes: Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, JSON.stringify(value)])),
    status: { code: span.status, message: '' },
  });
}

function toAssessments({ id, session, experiment, assessments }: RecordedTrace): readonly Assessment[] {
  return assessments.map(({ session: isOfSession, ...assessment }) =>
    anAssessment({
      traceId: `tr-${id}`,
      experimentId: String(experiment + 1),
      ...assessment,
      metadata: isOfSession && session !== null ? { 'mlflow.trace.session': session } : {},
    }),
  );
}
