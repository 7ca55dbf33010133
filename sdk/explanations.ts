import type { Context } from './context.ts';
import { spelledAsMlflow } from './traces.ts';
import type { CallOptions } from './transport.ts';

/** What became of a trace by one scorer; which of the details are there depends on the state (docs/api.md). */
export interface ScorerExplanation {
  readonly scorer_name: string;
  readonly scorer_version?: number;
  readonly sample_rate?: number;
  readonly filter_string?: string;
  readonly state: string;
  /** The state in a sentence. */
  readonly explanation: string;
  readonly reason?: string;
  readonly clause?: string;
  readonly run_id?: string;
  readonly spans_here?: number;
  readonly spans_expected?: number;
  readonly closes_at?: string;
  readonly registered_at?: string;
  readonly began_at?: string;
  readonly held_at?: string;
  readonly tried_again_at?: string;
  readonly finished_at?: string;
  readonly session?: { readonly session_id: string; readonly state: string; readonly [detail: string]: unknown };
  readonly assessments?: readonly {
    readonly assessment_id: string;
    readonly assessment_name: string;
    readonly value?: unknown;
    readonly error?: { readonly error_code: string; readonly error_message: string };
  }[];
  readonly state_by_present_facts?: string;
}

/** Why a trace was scored, or was not. */
export interface Explanation {
  readonly trace_id: string;
  readonly experiment_id: string;
  readonly completeness: 'open' | 'complete' | 'incomplete';
  /** The trace is in the sample of every rate above it. */
  readonly sampling_coordinate: number;
  readonly decision?: {
    readonly rules_version: number;
    readonly decided_at: string;
    readonly selected: readonly string[];
  };
  readonly scorers: readonly ScorerExplanation[];
}

export async function explain(
  traceId: string,
  { scorer, signal, context }: { scorer?: string | undefined; context: Context } & CallOptions,
): Promise<Explanation> {
  const path = `/api/1.0/assay/traces/${encodeURIComponent(spelledAsMlflow(traceId))}/explanation`;
  return (await context.send<Explanation>({ method: 'GET', path, query: { scorer }, signal })).json;
}
