import * as z from 'zod';
import { mlflowExperiment } from '../../../shared/contracts/mlflow-entities.ts';
import {
  experimentIdField,
  experimentNameField,
  experimentTagValueField,
  keyField,
  limitField,
  orderByField,
  textField,
  viewTypeField,
} from '../../../shared/contracts/mlflow-fields.ts';
import { ApiError } from '../../../shared/domain/api-error.ts';
import {
  changeTag,
  createExperiment,
  type ExperimentDeps,
  existingExperiment,
} from '../../../shared/domain/change-experiments.ts';
import type { Experiment } from '../../../shared/domain/experiment.ts';
import { searchExperiments } from '../../../shared/domain/registry-search/search-experiments.ts';
import { type ApiRequest, fitsItem, parse, required, tooLarge } from '../request.ts';
import { admins, jsonRoutes, keyHolders, type Route, readers, writers } from '../router.ts';

export type ExperimentRouteDeps = ExperimentDeps;

const creation = z.object({
  name: experimentNameField,
  artifact_location: textField,
  tags: z
    .array(z.object({ key: keyField, value: experimentTagValueField }))
    .refine(fitsItem, tooLarge)
    .nullish()
    .transform((tags) => tags ?? []),
});
const searching = z.object({
  view_type: viewTypeField,
  max_results: limitField({ default: 1000, max: 50_000 }),
  filter: z.string().nullish(),
  order_by: orderByField,
  page_token: z.string().nullish(),
});
const named = z.object({ experiment_id: experimentIdField });
const renaming = named.extend({ new_name: experimentNameField });
const tagging = named.extend({ key: keyField, value: experimentTagValueField });
const untagging = named.extend({ key: z.string().min(1) });

export function experimentRoutes(deps: ExperimentRouteDeps): readonly Route[] {
  const route = jsonRoutes('/api/2.0/mlflow/experiments/', deps);
  return [
    route(['POST', 'create'], writers, create),
    route(['GET', 'get'], keyHolders, get),
    route(['GET', 'get-by-name'], keyHolders, getByName),
    route(['POST', 'search'], readers, ({ body, experimentIds }) => search(body, { experimentIds, deps })),
    route(['GET', 'search'], readers, ({ query, experimentIds }) => search(searchOf(query), { experimentIds, deps })),
    route(['POST', 'update'], writers, rename),
    route(['POST', 'delete'], admins, (request) => changeLifecycle(request, 'deleted', deps)),
    route(['POST', 'restore'], admins, (request) => changeLifecycle(request, 'active', deps)),
    route(['POST', 'set-experiment-tag'], writers, setTag),
    route(['POST', 'delete-experiment-tag'], writers, deleteTag),
  ];
}

async function create({ body, requireAllExperiments }: ApiRequest, deps: ExperimentRouteDeps) {
  requireAllExperiments();
  const { name, artifact_location: artifactLocation, tags } = parse(creation, body);
  const created = await createExperiment(
    {
      name,
      tags: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
      ...(artifactLocation !== '' && { artifactLocation }),
    },
    deps,
  );
  return { experiment_id: created.experimentId };
}

async function get({ query, requireExperiment }: ApiRequest, deps: ExperimentRouteDeps) {
  const { experiment_id: id } = parse(named, { experiment_id: required(query, 'experiment_id') });
  requireExperiment(id);
  return { experiment: mlflowExperiment(await existingExperiment(id, deps)) };
}

async function getByName({ query, requireExperiment }: ApiRequest, { experiments }: ExperimentRouteDeps) {
  const name = required(query, 'experiment_name');
  const experiment = await experiments.getByName(name);
  if (!experiment) throw new ApiError('RESOURCE_DOES_NOT_EXIST', `Could not find experiment with name '${name}'`);
  requireExperiment(experiment.experimentId);
  return { experiment: mlflowExperiment(experiment) };
}

/** A key that is limited finds its experiments alone. */
async function search(
  body: unknown,
  { experimentIds, deps }: { experimentIds: readonly string[]; deps: ExperimentRouteDeps },
) {
  const wanted = parse(searching, body);
  const { experiments } = deps;
  const all = await (experimentIds.length > 0 ? experiments.getMany(experimentIds) : experiments.list());
  const { experiments: found, cursor } = searchExperiments(all, {
    viewType: wanted.view_type,
    filter: wanted.filter,
    orderBy: wanted.order_by,
    limit: wanted.max_results,
    cursor: wanted.page_token,
  });
  return { experiments: found.map(mlflowExperiment), ...(cursor !== undefined && { next_page_token: cursor }) };
}

function searchOf(query: URLSearchParams): object {
  const { view_type: view, ...rest } = Object.fromEntries(query);
  return {
    ...rest,
    order_by: query.getAll('order_by'),
    ...(view !== undefined && { view_type: /^\d$/.test(view) ? Number(view) : view }),
  };
}

async function rename({ body, requireExperiment }: ApiRequest, deps: ExperimentRouteDeps) {
  const { experiment_id: id, new_name: name } = parse(renaming, body);
  requireExperiment(id);
  await existingExperiment(id, deps);
  const result = await deps.experiments.rename(id, { name, at: deps.now() });
  if (result === 'taken') throw new ApiError('RESOURCE_ALREADY_EXISTS', `Experiment '${name}' already exists.`);
  if (result === 'not-active')
    throw new ApiError('INVALID_PARAMETER_VALUE', 'Cannot rename a non-active experiment: restore it first.');
  return {};
}

/** Also where it is in that stage already: a request that is repeated has the same answer. */
async function changeLifecycle(
  { body, requireExperiment }: ApiRequest,
  stage: Experiment['lifecycleStage'],
  deps: ExperimentRouteDeps,
) {
  const { experiment_id: id } = parse(named, body);
  requireExperiment(id);
  await existingExperiment(id, deps);
  await deps.experiments.setLifecycle(id, { stage, at: deps.now() });
  return {};
}

async function setTag({ body, requireExperiment }: ApiRequest, deps: ExperimentRouteDeps) {
  const { experiment_id: id, key, value } = parse(tagging, body);
  requireExperiment(id);
  await existingExperiment(id, deps);
  await changeTag({ experimentId: id, key, value }, deps);
  return {};
}

async function deleteTag({ body, requireExperiment }: ApiRequest, deps: ExperimentRouteDeps) {
  const { experiment_id: id, key } = parse(untagging, body);
  requireExperiment(id);
  const { tags } = await existingExperiment(id, deps);
  // Even of a tag that is gone: what follows from it may not have been done.
  await changeTag({ experimentId: id, key, value: undefined }, deps);
  if (!Object.hasOwn(tags, key))
    throw new ApiError('RESOURCE_DOES_NOT_EXIST', `No tag with name: ${key} in experiment with id ${id}`);
  return {};
}
