import type { Context, OfExperiment } from './context.ts';
import type { ScorerDefinition } from './definitions.ts';
import type { CallOptions } from './transport.ts';

/** A registered version as the API tells of it. */
export interface ScorerRecord {
  readonly experiment_id: number;
  readonly scorer_name: string;
  readonly scorer_version: number;
  readonly scorer_id: string;
  readonly serialized_scorer: string;
  /** Epoch ms. */
  readonly creation_time: number;
}

/** What share of which traces a scorer judges, as the API tells of it. */
export interface SamplingConfig {
  readonly online_scoring_config_id: string;
  readonly scorer_id: string;
  readonly experiment_id: string;
  readonly sample_rate: number;
  readonly filter_string?: string;
  /** Why Assay holds it back, though it has a rate. */
  readonly paused?: string;
}

/** Registered until it is started first; what Assay paused keeps its rate. */
export type ScorerState = 'registered' | 'active' | 'stopped' | 'paused';

/** A registered version of a scorer: a value, which never changes. What changes a scorer answers another one. */
export interface Scorer {
  readonly experimentId: string;
  readonly name: string;
  readonly version: number;
  /** The same for all versions. */
  readonly scorerId: string;
  readonly state: ScorerState;
  /** 0 where it judges nothing. */
  readonly sampleRate: number;
  /** Absent: every trace. */
  readonly filter?: string;
  /** Why Assay holds it back. */
  readonly pausedBecause?: string;
  readonly createdAt: Date;
  /** As it was registered. */
  readonly serialized: string;
  /** As the API tells of it. */
  readonly record: ScorerRecord;
  /** Absent: it was never started. */
  readonly config?: SamplingConfig;
  /** Judges a share of the traces from now on; without a filter of all traces. */
  start(sampling: { readonly sampleRate: number; readonly filter?: string | undefined } & CallOptions): Promise<Scorer>;
  /** What is not given stays; `filter: null` takes the filter away. */
  update(
    change: { readonly sampleRate?: number | undefined; readonly filter?: string | null | undefined } & CallOptions,
  ): Promise<Scorer>;
  /** Judges no more traces; what was judged stays. */
  stop(options?: CallOptions): Promise<Scorer>;
  /** Registers another definition under the same name: its next version, which is sampled as this one. */
  register(definition: ScorerDefinition, options?: CallOptions): Promise<Scorer>;
  /** The scorer as it is now, in its latest version. */
  refresh(options?: CallOptions): Promise<Scorer>;
}

/** A definition that can be registered: `await client.scorer(builtinJudge('Safety')).register({ name: 'safety' })`. */
export interface UnregisteredScorer {
  readonly definition: ScorerDefinition;
  /** Registering a name again makes its next version. */
  register(options: { readonly name: string } & OfExperiment & CallOptions): Promise<Scorer>;
}

type Named = { readonly name: string } & OfExperiment & CallOptions;

export interface Scorers {
  /** The latest version, or the one that is named. */
  get(which: Named & { readonly version?: number | undefined }): Promise<Scorer>;
  /** The latest version of each. */
  list(options?: OfExperiment & CallOptions): Promise<readonly Scorer[]>;
  versions(which: Named): Promise<readonly Scorer[]>;
  /** All versions, or the one that is named; what was judged stays. */
  delete(which: Named & { readonly version?: number | undefined }): Promise<void>;
}

const base = '/api/3.0/mlflow/scorers';

export function unregistered(definition: ScorerDefinition, context: Context): UnregisteredScorer {
  return Object.freeze({
    definition,
    register: ({ name, experimentId = context.experimentId, signal }) =>
      register(definition, { name, experimentId, signal, context }),
  } satisfies UnregisteredScorer);
}

export function scorers(context: Context): Scorers {
  const { send, experimentId: usual } = context;
  return Object.freeze({
    get: ({ name, version, experimentId = usual, signal }) => read({ name, version, experimentId, signal, context }),
    list: ({ experimentId = usual, signal } = {}) => readAll('list', { experimentId, signal, context }),
    versions: ({ name, experimentId = usual, signal }) => readAll('versions', { name, experimentId, signal, context }),
    async delete({ name, version, experimentId = usual, signal }) {
      const body = { experiment_id: experimentId, name, version };
      await send({ method: 'DELETE', path: `${base}/delete`, body, signal });
    },
  } satisfies Scorers);
}

interface At extends CallOptions {
  readonly name: string;
  readonly experimentId: string;
  readonly context: Context;
}

async function read({
  name,
  version,
  experimentId,
  signal,
  context,
}: At & { version?: number | undefined }): Promise<Scorer> {
  const query = { experiment_id: experimentId, name, version: version?.toString() };
  const [found, known] = await Promise.all([
    context.send<{ scorer: ScorerRecord }>({ method: 'GET', path: `${base}/get`, query, signal }),
    configs(context, { experimentId, signal }),
  ]);
  const { scorer } = found.json;
  return scorerOf(scorer, { config: configOf(scorer, known), experimentId, context });
}

async function readAll(
  what: 'list' | 'versions',
  { name, experimentId, signal, context }: Omit<At, 'name'> & { readonly name?: string },
): Promise<readonly Scorer[]> {
  const query = { experiment_id: experimentId, name };
  const [found, known] = await Promise.all([
    context.send<{ scorers: readonly ScorerRecord[] }>({ method: 'GET', path: `${base}/${what}`, query, signal }),
    configs(context, { experimentId, signal }),
  ]);
  return found.json.scorers.map((record) =>
    scorerOf(record, { config: configOf(record, known), experimentId, context }),
  );
}

async function register(definition: ScorerDefinition, { name, experimentId, signal, context }: At): Promise<Scorer> {
  const body = { experiment_id: experimentId, name, serialized_scorer: definition.serialize(name) };
  const { json } = await context.send<Omit<ScorerRecord, 'scorer_name' | 'scorer_version'> & { version: number }>({
    method: 'POST',
    path: `${base}/register`,
    body,
    signal,
  });
  const { version, scorer_id, serialized_scorer, creation_time } = json;
  const record = {
    ...{ experiment_id: Number(experimentId), scorer_name: name, scorer_version: version },
    ...{ scorer_id, serialized_scorer, creation_time },
  };
  // A later version is sampled as the one before.
  const known = version > 1 ? await configs(context, { experimentId, signal }) : [];
  return scorerOf(record, { config: configOf(record, known), experimentId, context });
}

async function configs(
  { send }: Context,
  { experimentId, signal }: { experimentId: string } & CallOptions,
): Promise<readonly SamplingConfig[]> {
  const { json } = await send<{ configs: readonly SamplingConfig[] }>({
    method: 'GET',
    path: `${base}/online-configs`,
    query: { experiment_id: experimentId },
    signal,
  });
  return json.configs;
}

function configOf({ scorer_id: id }: ScorerRecord, known: readonly SamplingConfig[]): SamplingConfig | undefined {
  return known.find(({ scorer_id }) => scorer_id === id);
}

interface Surroundings {
  readonly config: SamplingConfig | undefined;
  readonly experimentId: string;
  readonly context: Context;
}

function scorerOf(record: ScorerRecord, { config, experimentId, context }: Surroundings): Scorer {
  const { scorer_name: name, serialized_scorer, creation_time } = record;
  const at = { name, experimentId, context };
  const change = async (rate: number | undefined, filter: string | undefined, signal?: AbortSignal) =>
    scorerOf(record, { experimentId, context, config: await sample({ ...at, rate, filter, signal }) });
  return Object.freeze({
    experimentId,
    name,
    version: record.scorer_version,
    scorerId: record.scorer_id,
    state: stateOf(config),
    sampleRate: config?.sample_rate ?? 0,
    ...(config?.filter_string && { filter: config.filter_string }),
    ...(config?.paused !== undefined && { pausedBecause: config.paused }),
    createdAt: new Date(creation_time),
    serialized: serialized_scorer,
    record: Object.freeze(record),
    ...(config && { config: Object.freeze(config) }),
    start: ({ sampleRate, filter, signal }) => change(sampleRate, filter, signal),
    update: ({ sampleRate, filter = config?.filter_string, signal }) =>
      change(sampleRate ?? config?.sample_rate, filter ?? undefined, signal),
    stop: ({ signal } = {}) => change(0, config?.filter_string, signal),
    register: (definition, { signal } = {}) => register(definition, { ...at, signal }),
    refresh: ({ signal } = {}) => read({ ...at, signal }),
  } satisfies Scorer);
}

/** Leaving the filter out clears it, as in MLflow. */
async function sample({
  name,
  experimentId,
  rate = 0,
  filter,
  signal,
  context,
}: At & { rate: number | undefined; filter: string | undefined }): Promise<SamplingConfig> {
  const body = {
    experiment_id: experimentId,
    name,
    sample_rate: rate,
    ...(filter && { filter_string: filter }),
  };
  const { json } = await context.send<{ config: SamplingConfig }>({
    method: 'PUT',
    path: `${base}/online-config`,
    body,
    signal,
  });
  return json.config;
}

function stateOf(config: SamplingConfig | undefined): ScorerState {
  if (config === undefined) return 'registered';
  if (config.sample_rate <= 0) return 'stopped';
  return config.paused === undefined ? 'active' : 'paused';
}
