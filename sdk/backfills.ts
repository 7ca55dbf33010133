import type { At, Context, OfExperiment } from './context.ts';
import { newIdempotencyKey } from './idempotency-key.ts';
import type { CallOptions } from './transport.ts';
import { isUnderWay, until, type WaitOptions } from './until.ts';

/** What became of the traces that a backfill found; `pending` is not known yet. */
export type BackfillCounts = Readonly<
  Record<
    | 'found'
    | 'filtered'
    | 'not_sampled'
    | 'already_done'
    | 'incomplete'
    | 'judged'
    | 'failed'
    | 'held'
    | 'cancelled'
    | 'deleted'
    | 'pending',
    number
  >
>;

/** What the plan expects, and what it expects that from. */
export interface BackfillPrediction {
  readonly evaluations: number;
  readonly tokens?: number;
  readonly cost_usd?: number;
  readonly basis: 'scorer' | 'experiment' | 'no_model' | 'unknown';
}

export interface BackfillScorer {
  readonly name: string;
  readonly version: number;
  readonly sample_rate: number;
  readonly filter?: string;
  readonly predicted?: BackfillPrediction;
  readonly counts?: BackfillCounts;
}

/** `planned`: the end of a dry run. */
export type BackfillState = 'planning' | 'running' | 'planned' | 'finished' | 'paused' | 'cancelled' | 'failed';

/** A backfill as the API tells of it; times in ISO 8601. Lists tell no counts. */
export interface BackfillRecord {
  readonly backfill_id: string;
  readonly experiment_id: string;
  readonly state: BackfillState;
  readonly reason?: string;
  /** When it came into this state. */
  readonly since: string;
  readonly created_at: string;
  readonly start_time: string;
  readonly end_time: string;
  readonly mode: 'missing' | 'all';
  readonly dry_run: boolean;
  readonly max_cost_usd?: number;
  readonly scorers: readonly BackfillScorer[];
  readonly plan?: { readonly traces: number; readonly slices: number };
  readonly counts?: BackfillCounts;
  readonly slices_enqueued?: number;
  readonly cost_usd?: number;
  readonly tokens?: number;
  readonly seconds_left?: number;
}

/** A scorer by its name, or with a version and a rate of its own; a registered scorer is taken in its version. */
export type BackfillScorerRef =
  | string
  | { readonly name: string; readonly version?: number | undefined; readonly sampleRate?: number | undefined };

export interface BackfillOptions extends OfExperiment, CallOptions {
  /** Without a version the latest, without a rate the one that the scorer has. */
  readonly scorers: readonly BackfillScorerRef[];
  /** ISO 8601 with a zone, or epoch ms; without them the last seven days. */
  readonly startTime?: Date | string | number | undefined;
  readonly endTime?: Date | string | number | undefined;
  /** In the place of the scorers' own. */
  readonly filter?: string | undefined;
  /** `missing`, if it is not given: what was judged is left alone. */
  readonly mode?: 'missing' | 'all' | undefined;
  /** Ends with the plan. */
  readonly dryRun?: boolean | undefined;
  /** Pauses when it has cost so much. */
  readonly maxCostUsd?: number | undefined;
  readonly maxConcurrency?: number | undefined;
  /** The same key gives the same backfill; without it each call is another one, however often it has to be sent. */
  readonly idempotencyKey?: string | undefined;
}

/** A backfill as it was when it was read: a value, which never changes. */
export interface Backfill {
  readonly id: string;
  readonly experimentId: string;
  readonly state: BackfillState;
  /** As the API tells of it. */
  readonly record: BackfillRecord;
  /** As it is now, with its counts. */
  status(options?: CallOptions): Promise<Backfill>;
  /** Stops it within a minute; it keeps its range. */
  pause(options?: CallOptions): Promise<Backfill>;
  /** Has it go on, where it was paused, cancelled or has failed: it judges what is missing. */
  resume(options?: { readonly maxCostUsd?: number | undefined } & CallOptions): Promise<Backfill>;
  /** Stops it within a minute, and lets others have its range. */
  cancel(options?: CallOptions): Promise<Backfill>;
  /** Until it neither plans nor runs any more: finished, paused, cancelled or failed. */
  wait(options?: WaitOptions<Backfill>): Promise<Backfill>;
}

/** By id; what a `Backfill` does itself when there is one. */
export interface Backfills {
  get(id: string, options?: OfExperiment & CallOptions): Promise<Backfill>;
  /** Newest first, without counts. */
  list(options?: OfExperiment & CallOptions): Promise<readonly Backfill[]>;
  pause(id: string, options?: OfExperiment & CallOptions): Promise<Backfill>;
  resume(
    id: string,
    options?: { readonly maxCostUsd?: number | undefined } & OfExperiment & CallOptions,
  ): Promise<Backfill>;
  cancel(id: string, options?: OfExperiment & CallOptions): Promise<Backfill>;
}

const base = '/api/1.0/assay/backfills';

export function backfills(context: Context): Backfills {
  const { send, experimentId: usual } = context;
  return Object.freeze({
    get: (id, { experimentId = usual, signal } = {}) => read({ id, experimentId, context }, signal),
    async list({ experimentId = usual, signal } = {}) {
      const query = { experiment_id: experimentId };
      const { json } = await send<{ backfills: readonly BackfillRecord[] }>({
        method: 'GET',
        path: base,
        query,
        signal,
      });
      return json.backfills.map((record) => backfillOf(record, { experimentId, context }));
    },
    pause: (id, { experimentId = usual, signal } = {}) =>
      change({ id, experimentId, context }, { what: 'pause', signal }),
    resume: (id, { experimentId = usual, maxCostUsd, signal } = {}) =>
      change({ id, experimentId, context }, { what: 'resume', given: { max_cost_usd: maxCostUsd }, signal }),
    cancel: (id, { experimentId = usual, signal } = {}) =>
      change({ id, experimentId, context }, { what: 'cancel', signal }),
  } satisfies Backfills);
}

export async function startBackfill(options: BackfillOptions, context: Context): Promise<Backfill> {
  const { experimentId = context.experimentId, signal } = options;
  const body = {
    experiment_id: experimentId,
    scorers: options.scorers.map(refOf),
    start_time: options.startTime,
    end_time: options.endTime,
    filter: options.filter,
    mode: options.mode,
    dry_run: options.dryRun,
    max_cost_usd: options.maxCostUsd,
    max_concurrency: options.maxConcurrency,
    idempotency_key: options.idempotencyKey ?? newIdempotencyKey(),
  };
  const { json } = await context.send<{ backfill_id: string; backfill: BackfillRecord }>({
    method: 'POST',
    path: base,
    body,
    isRepeatable: true,
    signal,
  });
  return backfillOf(json.backfill, { experimentId, context });
}

function refOf(scorer: BackfillScorerRef): object {
  if (typeof scorer === 'string') return { name: scorer };
  const { name, version } = scorer;
  // One that is stopped has a rate, too: 0, which is not what is meant.
  return { name, version, ...(!('record' in scorer) && { sample_rate: scorer.sampleRate }) };
}

async function read({ id, experimentId, context }: At & { id: string }, signal?: AbortSignal): Promise<Backfill> {
  const { json } = await context.send<{ backfill: BackfillRecord }>({
    method: 'GET',
    path: `${base}/${encodeURIComponent(id)}`,
    query: { experiment_id: experimentId },
    signal,
  });
  return backfillOf(json.backfill, { experimentId, context });
}

async function change(
  { id, experimentId, context }: At & { id: string },
  { what, given, signal }: { what: 'pause' | 'resume' | 'cancel'; given?: object } & CallOptions,
): Promise<Backfill> {
  const { json } = await context.send<{ backfill: BackfillRecord }>({
    method: 'POST',
    path: `${base}/${encodeURIComponent(id)}/${what}`,
    body: { experiment_id: experimentId, ...given },
    // What is stopped stays so; each resumption starts an execution.
    isRepeatable: what !== 'resume',
    signal,
  });
  return backfillOf(json.backfill, { experimentId, context });
}

function backfillOf(record: BackfillRecord, { experimentId, context }: At): Backfill {
  const { backfill_id: id } = record;
  const at = { id, experimentId, context };
  const status = ({ signal }: CallOptions = {}) => read(at, signal);
  return Object.freeze({
    id,
    experimentId,
    state: record.state,
    record: Object.freeze(record),
    status,
    pause: ({ signal } = {}) => change(at, { what: 'pause', signal }),
    resume: ({ maxCostUsd, signal } = {}) =>
      change(at, { what: 'resume', given: { max_cost_usd: maxCostUsd }, signal }),
    cancel: ({ signal } = {}) => change(at, { what: 'cancel', signal }),
    wait: (options = {}) => until(() => status(options), { ...options, hasEnded: ({ state }) => !isUnderWay(state) }),
  } satisfies Backfill);
}
