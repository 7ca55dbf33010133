import { type ClientOptions, createClient } from '../cli/client.ts';
import type { DemoScorer } from './scorers.ts';

/** What the demo reads of MLflow's entities. */
export interface TraceInfo {
  readonly trace_id: string;
  readonly state: string;
  readonly execution_duration?: string;
  readonly assessments?: readonly Assessment[];
}

export interface Assessment {
  readonly assessment_id: string;
  readonly assessment_name: string;
  readonly trace_id: string;
  /** RFC 3339. */
  readonly create_time: string;
  readonly feedback?: {
    readonly value: unknown;
    readonly error?: { readonly error_code: string; readonly error_message?: string };
  };
  readonly rationale?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface StoredSpan {
  /** Base64, as MLflow has it. */
  readonly span_id: string;
  readonly parent_span_id?: string;
  readonly name: string;
}

export interface Trace {
  readonly trace_info: TraceInfo;
  readonly spans: readonly StoredSpan[];
}

export interface Booked {
  readonly usd_this_month: number;
  readonly tokens_this_month: number;
}

export interface AssayApi {
  /** Registers a scorer and starts it at its rate. */
  startScorer(scorer: DemoScorer): Promise<void>;
  /** Every trace of the experiment. */
  searchAll(): Promise<readonly TraceInfo[]>;
  getTrace(traceId: string): Promise<Trace>;
  /** Limits what judges may spend in a day, all together. */
  setBudget(usdPerDay: number): Promise<void>;
  /** What is booked on that budget. */
  readBudget(): Promise<Booked>;
}

const budgets = '/api/1.0/assay/budgets';
/** MLflow allows so many a page. */
const pageSize = 500;

/**
 * The part of MLflow's REST API that the demo stands on (scorers and traces, version 3.0), and Assay's budgets, for one experiment.
 * Any answer but 200 is an error that names route, status and reason.
 */
export function assayApi({ url, key, experimentId }: ClientOptions & { experimentId: string }): AssayApi {
  const client = createClient({ url, key });
  const call = <T>(method: 'GET' | 'POST' | 'PUT', path: string, body?: object) =>
    client.call<T>(method, `/api/3.0/mlflow/${path}`, body);
  const search = (pageToken?: string) =>
    call<{ traces?: readonly TraceInfo[]; next_page_token?: string }>('POST', 'traces/search', {
      locations: [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experimentId } }],
      max_results: pageSize,
      ...(pageToken && { page_token: pageToken }),
    });

  return {
    async startScorer({ name, rate, definition, filter }) {
      const serialized = { name, is_session_level_scorer: false, serialization_version: 1, ...definition };
      const scorer = { experiment_id: experimentId, name };
      await call('POST', 'scorers/register', { ...scorer, serialized_scorer: JSON.stringify(serialized) });
      const rule = { sample_rate: rate, ...(filter !== undefined && { filter_string: filter }) };
      await call('PUT', 'scorers/online-config', { ...scorer, ...rule });
    },
    async searchAll() {
      const found: TraceInfo[] = [];
      let token: string | undefined;
      do {
        const page = await search(token);
        found.push(...(page.traces ?? []));
        token = page.next_page_token;
      } while (token);
      return found;
    },
    async getTrace(traceId) {
      const path = `traces/get?${new URLSearchParams({ trace_id: traceId })}`;
      return (await call<{ trace: Trace }>('GET', path)).trace;
    },
    async setBudget(usdPerDay) {
      await client.call('PUT', budgets, { experiment_id: experimentId, usd_per_day: usdPerDay });
    },
    async readBudget() {
      const path = `${budgets}?${new URLSearchParams({ experiment_id: experimentId })}`;
      const found = await client.call<{ budgets: readonly { spent: Booked }[] }>('GET', path);
      const [budget] = found.budgets;
      if (budget === undefined) throw new Error('the budget that was set is not there');
      return budget.spent;
    },
  };
}
