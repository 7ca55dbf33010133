import type { Context, OfExperiment } from './context.ts';
import { type Paged, paged } from './paged.ts';
import type { CallOptions } from './transport.ts';

/** A feedback or an expectation, as MLflow's REST API tells of it. */
export interface AssessmentRecord {
  readonly assessment_id: string;
  readonly assessment_name: string;
  readonly trace_id: string;
  readonly span_id?: string;
  readonly source: { readonly source_type: 'HUMAN' | 'LLM_JUDGE' | 'CODE'; readonly source_id: string };
  /** RFC 3339. */
  readonly create_time: string;
  readonly last_update_time: string;
  /** With an error there is no value: a failure is never a score. */
  readonly feedback?: {
    readonly value: unknown;
    readonly error?: { readonly error_code: string; readonly error_message: string; readonly stack_trace?: string };
  };
  readonly expectation?: {
    readonly value?: unknown;
    /** Lists and maps, as JSON text. */
    readonly serialized_value?: { readonly serialization_format: string; readonly value: string };
  };
  readonly rationale?: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly overrides?: string;
  /** Whether it holds: one that another overrides does not. */
  readonly valid: boolean;
}

/** What is known of a trace without its spans. */
export interface TraceInfo {
  /** `tr-` and 32 hex digits. */
  readonly trace_id: string;
  readonly client_request_id?: string;
  readonly trace_location: {
    readonly type: 'MLFLOW_EXPERIMENT';
    readonly mlflow_experiment: { readonly experiment_id: string };
  };
  readonly request_preview?: string;
  readonly response_preview?: string;
  /** RFC 3339. */
  readonly request_time: string;
  /** Seconds: `1.25s`. */
  readonly execution_duration: string;
  readonly state: 'OK' | 'ERROR' | 'IN_PROGRESS';
  readonly trace_metadata: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly assessments: readonly AssessmentRecord[];
}

/** A span in protobuf's JSON: ids in base64, times in nanoseconds as texts. */
export interface SpanRecord {
  readonly trace_id: string;
  readonly span_id: string;
  readonly parent_span_id?: string;
  readonly name: string;
  readonly start_time_unix_nano: string;
  readonly end_time_unix_nano?: string;
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
  readonly events?: readonly object[];
  readonly links?: readonly object[];
  readonly status: { readonly code: string; readonly message?: string };
}

export interface Trace {
  readonly trace_info: TraceInfo;
  readonly spans: readonly SpanRecord[];
}

export interface TraceSearch extends OfExperiment, CallOptions {
  /** Several at once, in the place of one. */
  readonly experimentIds?: readonly string[] | undefined;
  /** MLflow's grammar: `status = 'ERROR' AND feedback.tone = 'rude'`. */
  readonly filter?: string | undefined;
  readonly orderBy?: readonly string[] | undefined;
  /** Of one page, 1 to 500. */
  readonly pageSize?: number | undefined;
}

export interface Traces {
  /** With its spans. */
  get(traceId: string, options?: CallOptions): Promise<Trace>;
  /** Newest first, unless the search says otherwise. */
  search(search?: TraceSearch): Paged<TraceInfo>;
}

const base = '/api/3.0/mlflow/traces';

export function traces({ send, experimentId: usual }: Context): Traces {
  return Object.freeze({
    async get(traceId, { signal } = {}) {
      const query = { trace_id: spelledAsMlflow(traceId) };
      return (await send<{ trace: Trace }>({ method: 'GET', path: `${base}/get`, query, signal })).json.trace;
    },
    search({ experimentId = usual, experimentIds = [experimentId], filter, orderBy, pageSize, signal } = {}) {
      const body = {
        locations: experimentIds.map((id) => ({ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: id } })),
        max_results: pageSize,
        filter,
        order_by: orderBy,
      };
      return paged(async (page_token) => {
        const { json } = await send<{ traces: readonly TraceInfo[]; next_page_token?: string }>({
          method: 'POST',
          path: `${base}/search`,
          body: { ...body, page_token },
          isRepeatable: true,
          signal,
        });
        return { items: json.traces, nextToken: json.next_page_token };
      });
    },
  } satisfies Traces);
}

/** OpenTelemetry's own spelling of a trace id is taken as well. */
export function spelledAsMlflow(traceId: string): string {
  return /^[0-9a-f]{32}$/i.test(traceId) ? `tr-${traceId.toLowerCase()}` : traceId;
}
