import { type BackfillCounts, type ClientOptions, createClient, serialized } from '../sdk/index.ts';
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

/** MLflow allows so many a page. */
const pageSize = 500;

/** What the demo asks of Assay, for one experiment. Whatever it refuses is thrown. */
export function assayApi({ url, key, experimentId }: ClientOptions & { experimentId: string }): AssayApi {
  const client = createClient({ url, key, experimentId });
  return {
    async startScorer({ name, rate, definition, filter }) {
      const body = { name, is_session_level_scorer: false, serialization_version: 1, ...definition };
      const scorer = await client.scorer(serialized(JSON.stringify(body))).register({ name });
      await scorer.start({ sampleRate: rate, filter });
    },
    async backfill(scorers, onProgress) {
      const rates = scorers.map(({ name, backfillRate }) => ({ name, sampleRate: backfillRate }));
      const started = await client.backfill({ scorers: rates });
      const { state, record } = await started.wait({
        pollMs: 500,
        onProgress: ({ record: { counts } }) => counts && onProgress(counts),
      });
      if (state !== 'finished' || !record.counts) throw new Error(`the backfill is ${state}: ${record.reason}`);
      return record.counts;
    },
    searchAll: () => client.traces.search({ pageSize }).toArray(),
    getTrace: (traceId) => client.traces.get(traceId),
    async setBudget(usdPerDay) {
      await client.budgets.set({ usdPerDay });
    },
    async readBudget() {
      const [budget] = await client.budgets.list();
      if (budget === undefined) throw new Error('the budget that was set is not there');
      return budget.spent;
    },
  };
}
