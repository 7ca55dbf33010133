import * as z from 'zod';
import { mlflowOnlineConfig, mlflowScorer } from '../../../shared/contracts/mlflow-entities.ts';
import {
  InvalidSerializedScorerError,
  parseSerializedScorer,
} from '../../../shared/contracts/parse-serialized-scorer.ts';
import { canLoad, scorerReader } from '../../../shared/contracts/scorer-for-client.ts';
import { ApiError } from '../../../shared/domain/api-error.ts';
import { activeExperiment } from '../../../shared/domain/change-experiments.ts';
import { settleInParallel, valuesOf } from '../../../shared/domain/in-parallel.ts';
import type { ExperimentStore } from '../../../shared/domain/ports.ts';
import {
  type ChangeScorersDeps,
  changeSampling,
  deleteScorer,
  existingScorer,
  followed,
  registerScorer,
} from '../../../shared/domain/registering/change-scorers.ts';
import type { ScorerVersion } from '../../../shared/domain/scorer.ts';
import { type ApiRequest, fitsItem, parse, required, tooLarge } from '../request.ts';
import { admins, jsonRoutes, type Route, readers } from '../router.ts';

export interface ScorerRouteDeps extends ChangeScorersDeps {
  readonly experiments: Pick<ExperimentStore, 'get' | 'getMany' | 'list'>;
}

const experimentId = z.union([z.string(), z.number().int()]).transform(String);
const registration = z.object({
  experiment_id: experimentId,
  name: z
    .string()
    .max(250)
    .regex(/\S/, 'Scorer name cannot be empty or contain only whitespace.')
    // Keys of the registry end names with \0.
    .regex(/^\P{Cc}*$/u, 'a name has no control characters'),
  serialized_scorer: z.string().refine(fitsItem, tooLarge),
});
const sampling = z.object({
  experiment_id: experimentId,
  name: z.string(),
  sample_rate: z.number().nullish(),
  filter_string: z.string().nullish(),
});
const version = z
  .union([z.int(), z.string().regex(/^\d{1,9}$/, 'expected a whole number')])
  .transform(Number)
  .nullish();
const deletion = z.object({ experiment_id: experimentId, name: z.string(), version });

const experimentsAtOnce = 8;
/** What one call may ask for: DynamoDB gives a hundred items at once. */
const maxIds = 1_000;

export function scorerRoutes(deps: ScorerRouteDeps): readonly Route[] {
  const route = jsonRoutes('/api/3.0/mlflow/scorers/', deps);
  return [
    route(['POST', 'register'], admins, register),
    route(['GET', 'list'], readers, list),
    route(['GET', 'versions'], readers, versions),
    route(['GET', 'get'], readers, get),
    route(['PUT', 'online-config'], admins, setSampling),
    route(['GET', 'online-configs'], readers, onlineConfigs),
    route(['DELETE', 'delete'], admins, remove),
  ];
}

async function register({ body, requireExperiment }: ApiRequest, deps: ScorerRouteDeps) {
  const { experiment_id: id, name, serialized_scorer: serialized } = parse(registration, body);
  requireExperiment(id);
  await activeExperiment(id, deps);
  refuseUnreadable(serialized);
  const registered = await registerScorer({ experimentId: id, name, serialized }, deps);
  return {
    version: registered.version,
    scorer_id: registered.scorerId,
    experiment_id: id,
    name,
    serialized_scorer: serialized,
    creation_time: registered.createdAt,
  };
}

function refuseUnreadable(serialized: string): void {
  try {
    parseSerializedScorer(serialized);
  } catch (error) {
    if (error instanceof InvalidSerializedScorerError) throw new ApiError('INVALID_PARAMETER_VALUE', error.message);
    throw error;
  }
}

/** The latest version of each scorer of one experiment, of several, or of all that the caller's key opens. */
async function list(request: ApiRequest, deps: ScorerRouteDeps) {
  const { query, requireExperiment } = request;
  const [one, several] = [query.get('experiment_id'), query.getAll('experiment_ids')];
  if (one && several.length > 0) {
    throw new ApiError(
      'INVALID_PARAMETER_VALUE',
      "Cannot specify both 'experiment_id' and 'experiment_ids'. Use 'experiment_ids' to scope the query to multiple " +
        "experiments, or 'experiment_id' to scope it to a single experiment.",
    );
  }
  for (const id of one ? [one] : several) requireExperiment(id);
  if (one) await activeExperiment(one, deps);
  const ids = one ? [one] : await activeExperiments(several, { request, deps });
  const task = async (id: string) => followed(await deps.scorers.list(id), deps);
  const lists = valuesOf(await settleInParallel(ids, { limit: experimentsAtOnce, task }));
  return { scorers: written(lists.flat(), request) };
}

/** Those of the ids that are active; where none are given, all that are open to the caller. */
async function activeExperiments(
  ids: readonly string[],
  { request, deps }: { request: ApiRequest; deps: ScorerRouteDeps },
): Promise<readonly string[]> {
  const wanted = ids.length > 0 ? ids : request.experimentIds;
  const known =
    wanted.length > 0 ? await deps.experiments.getMany([...new Set(wanted)]) : await deps.experiments.list();
  const active = known.filter(({ lifecycleStage }) => lifecycleStage === 'active');
  return active.map(({ experimentId: id }) => id).toSorted((a, b) => Number(a) - Number(b));
}

/** Without those that would make the whole list fail in the client that asks. */
function written(versions: readonly ScorerVersion[], { header }: ApiRequest): readonly object[] {
  const reader = scorerReader(header);
  return versions.filter(({ serialized }) => canLoad(serialized, reader)).map((scorer) => mlflowScorer(scorer, reader));
}

async function versions(request: ApiRequest, deps: ScorerRouteDeps) {
  const id = openExperiment(request);
  const name = required(request.query, 'name');
  await existingScorer(deps.scorers, { experimentId: id, name });
  return { scorers: written(await followed(await deps.scorers.versions(id, name), deps), request) };
}

async function get(request: ApiRequest, deps: ScorerRouteDeps) {
  const id = openExperiment(request);
  const name = required(request.query, 'name');
  const wanted = parse(version, request.query.get('version') || undefined) ?? undefined;
  const scorer = await existingScorer(deps.scorers, { experimentId: id, name, version: wanted });
  await followed([scorer], deps);
  return { scorer: mlflowScorer(scorer, scorerReader(request.header)) };
}

function openExperiment({ query, requireExperiment }: ApiRequest): string {
  const id = required(query, 'experiment_id');
  requireExperiment(id);
  return id;
}

async function setSampling({ body, requireExperiment }: ApiRequest, deps: ScorerRouteDeps) {
  const wanted = parse(sampling, body);
  requireExperiment(wanted.experiment_id);
  await activeExperiment(wanted.experiment_id, deps);
  const { scorer, rule } = await changeSampling(
    {
      experimentId: wanted.experiment_id,
      name: wanted.name,
      // A client that changes the filter alone sends null.
      sampleRate: wanted.sample_rate ?? undefined,
      // As in MLflow, leaving the filter out clears it.
      filter: wanted.filter_string ?? null,
    },
    deps,
  );
  return { config: mlflowOnlineConfig(scorer, rule) };
}

/** By the ids of scorers, or, beyond MLflow, all of an experiment. Those of experiments that the key does not open are left out. */
async function onlineConfigs({ query, opens }: ApiRequest, deps: ScorerRouteDeps) {
  const scorerIds = query.getAll('scorer_ids');
  if (scorerIds.length > maxIds)
    throw new ApiError('INVALID_PARAMETER_VALUE', `at most ${maxIds} scorer_ids are looked up at once`);
  const experimentIds = query.getAll('experiment_id');
  if (scorerIds.length === 0) required(query, experimentIds.length === 0 ? 'scorer_ids' : 'experiment_id');
  const known =
    scorerIds.length > 0
      ? await deps.scorers.find(scorerIds)
      : (await Promise.all(experimentIds.filter(opens).map((id) => deps.scorers.list(id)))).flat();
  const byExperiment = Map.groupBy(
    known.filter(({ experimentId: id }) => opens(id)),
    ({ experimentId: id }) => id,
  );
  const task = async ([id, scorers]: readonly [string, typeof known]) => {
    const { scorers: rules } = await deps.rules.current(id);
    return scorers.flatMap((scorer) => {
      const rule = rules.find(({ name }) => name === scorer.name);
      return rule ? [mlflowOnlineConfig(scorer, rule)] : [];
    });
  };
  const configs = valuesOf(await settleInParallel([...byExperiment], { limit: experimentsAtOnce, task }));
  return { configs: configs.flat() };
}

/** Deleted versions are no longer listed or active; they stay readable for the assessments and evaluations that name them. */
async function remove({ body, requireExperiment }: ApiRequest, deps: ScorerRouteDeps) {
  const { experiment_id: id, name, version: wanted } = parse(deletion, body);
  requireExperiment(id);
  await deleteScorer({ experimentId: id, name, version: wanted ?? undefined }, deps);
  return {};
}
