import { type Assessing, type AssessOptions, type AssessRun, assess, readRun } from './assess.ts';
import { type Backfill, type BackfillOptions, type Backfills, backfills, startBackfill } from './backfills.ts';
import { type Budgets, budgets } from './budgets.ts';
import type { Context } from './context.ts';
import type { ScorerDefinition } from './definitions.ts';
import { type Experiments, experiments } from './experiments.ts';
import { type Explanation, explain } from './explanations.ts';
import { type Scorers, scorers, type UnregisteredScorer, unregistered } from './scorers.ts';
import { type Traces, traces } from './traces.ts';
import { type CallOptions, type ClientOptions, createTransport, type Method } from './transport.ts';

/** An Assay deployment, over its API. */
export interface Client {
  /** A scorer that can be registered. */
  scorer(definition: ScorerDefinition): UnregisteredScorer;
  readonly scorers: Scorers;
  readonly traces: Traces;
  readonly experiments: Experiments;
  readonly budgets: Budgets;
  /** Runs scorers over a past range of time. */
  backfill(options: BackfillOptions): Promise<Backfill>;
  readonly backfills: Backfills;
  /** Runs scorers now, on named traces or on what a search finds. */
  assess(options: AssessOptions): Promise<AssessRun>;
  readonly assessing: Assessing;
  /** Why a trace was scored, or was not; without a scorer by all. */
  explain(traceId: string, options?: { readonly scorer?: string | undefined } & CallOptions): Promise<Explanation>;
  /** Whether the API answers; throws where it does not. Needs no key. */
  health(options?: CallOptions): Promise<void>;
  /** Any route of the API, those of MLflow included. What is not GET or PUT is sent once, unless it is refused for now. */
  call<T>(method: Method, path: string, body?: object, options?: CallOptions): Promise<T>;
}

/** Throws InvalidParameterError where the URL is none. */
export function createClient(options: ClientOptions): Client {
  const context: Context = { send: createTransport(options), experimentId: options.experimentId ?? '0' };
  const { send, experimentId: usual } = context;
  return Object.freeze({
    scorer: (definition) => unregistered(definition, context),
    scorers: scorers(context),
    traces: traces(context),
    experiments: experiments(context),
    budgets: budgets(context),
    backfill: (given) => startBackfill(given, context),
    backfills: backfills(context),
    assess: (given) => assess(given, context),
    assessing: Object.freeze({
      get: (runId, { experimentId = usual, signal } = {}) => readRun(runId, { experimentId, signal, context }),
    } satisfies Assessing),
    explain: (traceId, given = {}) => explain(traceId, { ...given, context }),
    async health({ signal } = {}) {
      await send({ method: 'GET', path: '/health', isText: true, signal });
    },
    async call<T>(method: Method, path: string, body?: object, { signal }: CallOptions = {}) {
      return (await send<T>({ method, path, body, signal })).json;
    },
  } satisfies Client);
}
