import { ApiError } from './api-error.ts';
import { activeExperiment } from './change-experiments.ts';
import type { Clock, ExperimentStore, RunStore } from './ports.ts';
import { makeRunId, makeRunName, type Run, type RunInfo, runNameTag } from './run.ts';

export interface RunDeps {
  readonly runs: RunStore;
  readonly experiments: Pick<ExperimentStore, 'get' | 'getMany'>;
  /** 32 hexadecimal digits of chance. */
  readonly newId: () => string;
  readonly now: Clock;
}

export interface NewRun {
  readonly experimentId: string;
  readonly userId: string;
  readonly startTime: number | undefined;
  /** Empty: as the tag says, or one is made up. */
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
}

const attempts = 3;

/** Each call makes a run: MLflow's clients send nothing by which a repeated request could be told. Throws ApiError. */
export async function createRun(wanted: NewRun, deps: RunDeps): Promise<Run> {
  const { runs, newId, now } = deps;
  const { [runNameTag]: nameTag = '', ...tags } = wanted.tags;
  if (wanted.name !== '' && nameTag !== '' && wanted.name !== nameTag) {
    throw new ApiError(
      'INVALID_PARAMETER_VALUE',
      `Both 'run_name' argument and '${runNameTag}' tag are specified, but with different values (run_name='${wanted.name}', ${runNameTag}='${nameTag}').`,
    );
  }
  const { experimentId, userId, startTime = now() } = wanted;
  const { artifactLocation } = await activeExperiment(experimentId, deps);
  const location = artifactLocation ?? `mlflow-artifacts:/${experimentId}`;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const runId = makeRunId({ experimentId, startTime }, newId());
    const info: RunInfo = {
      runId,
      experimentId,
      name: wanted.name || nameTag || makeRunName(newId()),
      userId,
      status: 'RUNNING',
      startTime,
      artifactUri: `${location.replace(/\/+$/, '')}/${runId}/artifacts`,
      lifecycleStage: 'active',
    };
    if (await runs.create(info, tags)) return { info, metrics: [], params: {}, tags, inputs: [] };
  }
  throw new Error(`no free run id was found in ${attempts} attempts`);
}

/** The run, as deleted where its experiment is. Throws ApiError where there is none. */
export async function requireRun(runId: string, deps: RunDeps): Promise<RunInfo> {
  const info = await deps.runs.getInfo(runId);
  if (!info) throw runNotFound(runId);
  return asInExperiment(info, deps);
}

/** The same with all that was logged to it. */
export async function requireWholeRun(runId: string, deps: RunDeps): Promise<Run> {
  const run = await deps.runs.get(runId);
  if (!run) throw runNotFound(runId);
  return { ...run, info: await asInExperiment(run.info, deps) };
}

function runNotFound(runId: string): ApiError {
  return new ApiError('RESOURCE_DOES_NOT_EXIST', `Run with id=${runId} not found`);
}

async function asInExperiment(info: RunInfo, { experiments }: RunDeps): Promise<RunInfo> {
  const experiment = await experiments.get(info.experimentId);
  return experiment?.lifecycleStage === 'deleted' ? { ...info, lifecycleStage: 'deleted' } : info;
}

/** The run, where it may be written to and the caller's key opens its experiment. Throws ApiError. */
export async function requireActiveRun(
  runId: string,
  { requireExperiment, deps }: { requireExperiment: (experimentId: string) => void; deps: RunDeps },
): Promise<RunInfo> {
  const info = await requireRun(runId, deps);
  requireExperiment(info.experimentId);
  if (info.lifecycleStage === 'active') return info;
  throw new ApiError(
    'INVALID_PARAMETER_VALUE',
    `The run ${runId} must be in the 'active' state. Current state is deleted.`,
  );
}

/** The name of a run is kept with the run, whichever way it is set. */
export async function setRunTags(
  runId: string,
  { [runNameTag]: name, ...tags }: Readonly<Record<string, string>>,
  { runs }: RunDeps,
): Promise<void> {
  await runs.putTags(runId, tags);
  if (name) await runs.update(runId, { name });
}

/** A parameter is set once; setting it again to the same value changes nothing. Throws ApiError. */
export async function logParams(
  runId: string,
  params: readonly { readonly key: string; readonly value: string }[],
  { runs }: RunDeps,
): Promise<void> {
  const wanted = Object.fromEntries(params.map(({ key, value }) => [key, value]));
  if (Object.keys(wanted).length < params.length) {
    const keys = params.map(({ key }) => key);
    const repeated = keys.filter((key, i) => keys.indexOf(key) < i);
    throw new ApiError(
      'INVALID_PARAMETER_VALUE',
      `Duplicate parameter keys have been submitted: ${repeated.join(', ')}. Please ensure the request contains only one param value per param key.`,
    );
  }
  const [other] = params.length > 0 ? await runs.putParams(runId, wanted) : [];
  if (!other) return;
  throw new ApiError(
    'INVALID_PARAMETER_VALUE',
    `Changing param values is not allowed. Param with key='${other.key}' was already logged with value='${other.value}' for run ID='${runId}'. Attempted logging new value '${wanted[other.key]}'.`,
  );
}
