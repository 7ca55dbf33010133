import type { At, Context, OfExperiment } from './context.ts';
import type { ScorerDefinition } from './definitions.ts';
import { newIdempotencyKey } from './idempotency-key.ts';
import { type Paged, paged } from './paged.ts';
import { type AssessmentRecord, spelledAsMlflow } from './traces.ts';
import type { CallOptions } from './transport.ts';
import { isUnderWay, until, type WaitOptions } from './until.ts';

/** What became of one scorer on one trace. */
export interface AssessResult {
  readonly trace_id: string;
  readonly scorer: string;
  /** null: given with the call. */
  readonly version: number | null;
  /** `not_judged`: in a dry run, for want of time. */
  readonly state: 'judged' | 'failed' | 'held' | 'deleted' | 'incomplete' | 'not_judged';
  readonly reason?: string;
  readonly assessments: readonly AssessmentRecord[];
  readonly usd: number;
  readonly tokens: number;
}

/** A run as the API tells of it. */
export interface AssessRunRecord {
  readonly run_id: string;
  readonly experiment_id: string;
  readonly state: string;
  readonly reason?: string;
  readonly dry_run?: boolean;
  /** Absent of a search that has not ended. */
  readonly traces?: number;
  readonly scorers?: readonly { readonly name: string; readonly version: number | null }[];
  /** Of the evaluations: `judged`, `failed`, `held`, `deleted`, `incomplete`, and while it runs those of a backfill. */
  readonly counts?: Readonly<Record<string, number>>;
  readonly usd?: number;
  readonly tokens?: number;
  readonly seconds_left?: number;
}

/** A registered scorer by its name, in its latest version; a version of it (a `Scorer` is one); or one that is registered nowhere. */
export type AssessScorer =
  | string
  | { readonly name: string; readonly version?: number | undefined }
  | { readonly name: string; readonly definition: ScorerDefinition };

/** Traces by their ids, or those that a search finds. */
export type AssessOptions = OfExperiment &
  CallOptions & {
    readonly scorers: readonly AssessScorer[];
    /** What is found is told, and kept nowhere. */
    readonly dryRun?: boolean | undefined;
    /** The same key gives the same run; without it each call is another one, however often it has to be sent. */
    readonly idempotencyKey?: string | undefined;
  } & (
    | { readonly traceIds: readonly string[] }
    | {
        /** MLflow's grammar. */
        readonly filter?: string | undefined;
        /** ISO 8601 with a zone, or epoch ms. */
        readonly startTime?: Date | string | number | undefined;
        readonly endTime?: Date | string | number | undefined;
      }
  );

/** A run as it was when it was read: a value, which never changes. */
export interface AssessRun {
  readonly id: string;
  readonly experimentId: string;
  readonly state: string;
  /** Whether all is done that can be. Small runs are when the call answers. */
  readonly isOver: boolean;
  /** As the API tells of it. */
  readonly record: AssessRunRecord;
  /** What was found: of a run that is not over, so far. What came with the answer is not asked for again. */
  results(options?: CallOptions): Paged<AssessResult>;
  /** As it is now. */
  status(options?: CallOptions): Promise<AssessRun>;
  /** Until it is over; of one that is, at once. */
  wait(options?: WaitOptions<AssessRun>): Promise<AssessRun>;
}

export interface Assessing {
  get(runId: string, options?: OfExperiment & CallOptions): Promise<AssessRun>;
}

const base = '/api/1.0/assay/assess';

interface RunAnswer {
  readonly run: AssessRunRecord;
  readonly results?: readonly AssessResult[];
  readonly next_page_token?: string;
}

export async function assess(options: AssessOptions, context: Context): Promise<AssessRun> {
  const { experimentId = context.experimentId, signal } = options;
  const { json } = await context.send<RunAnswer>({
    method: 'POST',
    path: base,
    body: bodyOf(options, experimentId),
    isRepeatable: true,
    signal,
  });
  return runOf(json, { experimentId, context });
}

export async function readRun(runId: string, { experimentId, context, signal }: At & CallOptions): Promise<AssessRun> {
  return runOf(await readPage(runId, { experimentId, context, signal }), { experimentId, context });
}

function bodyOf(options: AssessOptions, experimentId: string): object {
  const inline = options.scorers.flatMap((scorer) =>
    typeof scorer === 'object' && 'definition' in scorer
      ? [{ name: scorer.name, serialized_scorer: scorer.definition.serialize(scorer.name) }]
      : [],
  );
  const registered = options.scorers.flatMap((scorer) => {
    if (typeof scorer === 'string') return [{ name: scorer }];
    return 'definition' in scorer ? [] : [{ name: scorer.name, version: scorer.version }];
  });
  return {
    experiment_id: experimentId,
    // Both are sent where both are given: the API refuses what names traces in two ways.
    ...('traceIds' in options && { trace_ids: options.traceIds?.map(spelledAsMlflow) }),
    ...('filter' in options && { filter: options.filter }),
    ...('startTime' in options && { start_time: options.startTime }),
    ...('endTime' in options && { end_time: options.endTime }),
    ...(registered.length > 0 && { scorers: registered }),
    ...(inline.length > 0 && { inline_scorers: inline }),
    dry_run: options.dryRun,
    idempotency_key: options.idempotencyKey ?? newIdempotencyKey(),
  };
}

async function readPage(
  runId: string,
  { experimentId, context, token, signal }: At & { token?: string | undefined } & CallOptions,
): Promise<RunAnswer> {
  const { json } = await context.send<RunAnswer>({
    method: 'GET',
    path: `${base}/${encodeURIComponent(runId)}`,
    query: { experiment_id: experimentId, page_token: token },
    signal,
  });
  return json;
}

function runOf({ run, results, next_page_token }: RunAnswer, { experimentId, context }: At): AssessRun {
  const isOver = !isUnderWay(run.state);
  const id = run.run_id;
  const first = isOver && results ? { items: results, nextToken: next_page_token } : undefined;
  const status = ({ signal }: CallOptions = {}) => readRun(id, { experimentId, context, signal });
  const self: AssessRun = Object.freeze({
    id,
    experimentId,
    state: run.state,
    isOver,
    record: Object.freeze(run),
    results: ({ signal } = {}) =>
      paged(async (token) => {
        const page = await readPage(id, { experimentId, context, token, signal });
        return { items: page.results ?? [], nextToken: page.next_page_token };
      }, first),
    status,
    async wait(options = {}) {
      if (!isOver) return until(() => status(options), { ...options, hasEnded: (seen) => seen.isOver });
      options.onProgress?.(self);
      return self;
    },
  } satisfies AssessRun);
  return self;
}
