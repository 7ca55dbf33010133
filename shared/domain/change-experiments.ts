import { ApiError } from './api-error.ts';
import type { Experiment } from './experiment.ts';
import { applySettings, checkOwnTag, hasSettings, isSetting, otelTableTag, readTableName } from './experiment-tags.ts';
import type { Clock, ExperimentStore, OtelTableStore, RuleStore } from './ports.ts';

export interface ExperimentDeps {
  readonly experiments: ExperimentStore;
  readonly otelTables: OtelTableStore;
  readonly rules: RuleStore;
  readonly now: Clock;
}

export type NewExperiment = Pick<Experiment, 'name' | 'tags' | 'artifactLocation'>;

/**
 * Makes an experiment and does what its tags ask for. Where its maker dies in between, the next who wants to make it completes it,
 * and is told that it is there. Throws ApiError.
 */
export async function createExperiment(wanted: NewExperiment, deps: ExperimentDeps): Promise<Experiment> {
  for (const [key, value] of Object.entries(wanted.tags)) checkOwnTag(key, value);
  const { [otelTableTag]: tableTag, ...tags } = wanted.tags;
  const wantedTable = tableTag === undefined ? undefined : readTableName(tableTag);
  if (wantedTable !== undefined) await refuseTaken(wantedTable, deps);
  const at = deps.now();
  const experiment = { ...wanted, lifecycleStage: 'active', createdAt: at, updatedAt: at, tags } as const;
  const created = await deps.experiments.create(experiment, { wantedTable });
  const there = created ?? (await deps.experiments.getByName(wanted.name));
  if (there) await complete(there, deps);
  if (!created) throw new ApiError('RESOURCE_ALREADY_EXISTS', `Experiment '${wanted.name}' already exists.`);
  return created;
}

/** Found out before anything is made; what takes the table in between is found out after. */
async function refuseTaken(table: string, { otelTables }: ExperimentDeps): Promise<void> {
  const owner = await otelTables.find(table);
  if (owner !== undefined) throw tableIsTaken(table, owner);
}

async function complete({ experimentId, tags }: Experiment, deps: ExperimentDeps): Promise<void> {
  if (hasSettings(tags)) await applySettings(experimentId, deps);
  const assigned = await deps.otelTables.assignWanted(experimentId);
  if (typeof assigned === 'object')
    throw tableIsTaken(assigned.table, assigned.owner, ` (experiment ${experimentId} is made without it)`);
}

function tableIsTaken(table: string, owner: string, more = ''): ApiError {
  const message = `table ${table} belongs to experiment ${owner}, whose tag ${otelTableTag} names it${more}`;
  return new ApiError('RESOURCE_ALREADY_EXISTS', message);
}

/** Sets a tag, or removes it, and does what it asks for. Repeating it completes what died. Throws ApiError. */
export async function changeTag(
  { experimentId, key, value }: { experimentId: string; key: string; value: string | undefined },
  deps: ExperimentDeps,
): Promise<void> {
  if (value !== undefined) checkOwnTag(key, value);
  if (key === otelTableTag) {
    const table = value === undefined ? undefined : readTableName(value);
    const assigned = await deps.otelTables.assign(experimentId, table);
    if (assigned === 'not-active') throw notActive(experimentId);
    if (typeof assigned === 'object') throw tableIsTaken(assigned.table, assigned.owner);
    return;
  }
  if (!(await deps.experiments.setTag(experimentId, key, value))) throw notActive(experimentId);
  if (isSetting(key)) await applySettings(experimentId, deps);
}

interface ExperimentSource {
  readonly experiments: Pick<ExperimentStore, 'get'>;
}

/** The experiment, deleted or not. Throws ApiError where there is none. */
export async function existingExperiment(experimentId: string, { experiments }: ExperimentSource): Promise<Experiment> {
  const experiment = await experiments.get(experimentId);
  if (!experiment) throw new ApiError('RESOURCE_DOES_NOT_EXIST', `No Experiment with id=${experimentId} exists`);
  return experiment;
}

/** The experiment, where something may be written into it. Throws ApiError. */
export async function activeExperiment(experimentId: string, source: ExperimentSource): Promise<Experiment> {
  const experiment = await existingExperiment(experimentId, source);
  if (experiment.lifecycleStage !== 'active') throw notActive(experimentId);
  return experiment;
}

function notActive(experimentId: string): ApiError {
  return new ApiError(
    'INVALID_PARAMETER_VALUE',
    `The experiment ${experimentId} must be in the 'active' state. Current state is deleted.`,
  );
}
