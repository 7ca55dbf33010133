import { setTimeout as delay } from 'node:timers/promises';
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

/** How far a backfill is: what was found, and what became of it. */
export interface BackfillCounts {
  readonly found: number;
  readonly already_done: number;
  readonly judged: number;
  readonly failed: number;
}

interface Backfill {
  readonly state: string;
  readonly reason?: string;
  readonly counts?: BackfillCounts;
}

export interface AssayApi {
  /** Registers a scorer and starts it at its rate. */
  startScorer(scorer: DemoScorer): Promise<void>;
  /** Runs scorers over what is there already, up to their rates, and waits for the end. */
  backfill(scorers: readonly DemoScorer[], onProgress: (counts: BackfillCounts) => void): Promise<BackfillCounts>;
  /** Every trace of the experiment. */
  searchAll(): Promise<readonly TraceInfo[]>;
  getTrace(traceId: string): Promise<Trace>;
  /** Limits what judges may spend in a day, all together. */
  setBudget(usdPerDay: number): Promise<void>;
  /** What is booked on that budget. */
  readBudget(): Promise<Booked>;
}

const budgets = '/api/1.0/assay/budgets';
const backfills = '/api/1.0/assay/backfills';
const pollMs = 500;
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
    async backfill(scorers, onProgress) {
      const asked = scorers.map(({ name, backfillRate }) => ({ name, sample_rate: backfillRate }));
      const body = { experiment_id: experimentId, scorers: asked };
      const { backfill_id: id } = await client.call<{ backfill_id: string }>('POST', backfills, body);
      const path = `${backfills}/${id}?${new URLSearchParams({ experiment_id: experimentId })}`;
      for (;;) {
        const { backfill } = await client.call<{ backfill: Backfill }>('GET', path);
        if (backfill.counts) onProgress(backfill.counts);
        if (backfill.state === 'finished' && backfill.counts) return backfill.counts;
        if (!['planning', 'running'].includes(backfill.state))
          throw new Error(`the backfill is ${backfill.state}: ${backfill.reason}`);
        await delay(pollMs);
      }
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
