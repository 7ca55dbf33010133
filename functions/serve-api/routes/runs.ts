import {
  mlflowMetric,
  mlflowRun,
  mlflowRunInfo,
  runRequests,
  toDatasetInput,
} from '../../../shared/contracts/mlflow-runs.ts';
import { ApiError } from '../../../shared/domain/api-error.ts';
import {
  createRun,
  logParams,
  type RunDeps,
  requireActiveRun,
  requireRun,
  requireWholeRun,
  setRunTags,
} from '../../../shared/domain/change-runs.ts';
import { fromPageToken, toPageToken } from '../../../shared/domain/page-token.ts';
import { searchRuns } from '../../../shared/domain/registry-search/search-runs.ts';
import { runNameTag } from '../../../shared/domain/run.ts';
import { type ApiRequest, parse } from '../request.ts';
import { jsonRoutes, type Route, readers, writers } from '../router.ts';

export type RunRouteDeps = RunDeps;

export function runRoutes(deps: RunRouteDeps): readonly Route[] {
  const route = jsonRoutes('/api/2.0/mlflow/', deps);
  return [
    route(['POST', 'runs/create'], writers, create),
    route(['GET', 'runs/get'], readers, get),
    route(['POST', 'runs/search'], readers, search),
    route(['POST', 'runs/update'], writers, update),
    route(['POST', 'runs/delete'], writers, (request) => changeLifecycle(request, 'deleted', deps)),
    route(['POST', 'runs/restore'], writers, (request) => changeLifecycle(request, 'active', deps)),
    route(['POST', 'runs/set-tag'], writers, setTag),
    route(['POST', 'runs/delete-tag'], writers, deleteTag),
    route(['POST', 'runs/log-metric'], writers, logMetric),
    route(['POST', 'runs/log-parameter'], writers, logParam),
    route(['POST', 'runs/log-batch'], writers, logBatch),
    route(['POST', 'runs/log-inputs'], writers, logInputs),
    route(['GET', 'metrics/get-history'], readers, history),
  ];
}

async function create({ body, requireExperiment }: ApiRequest, deps: RunRouteDeps) {
  const wanted = parse(runRequests.create, body);
  const experimentId = wanted.experiment_id ?? '0';
  requireExperiment(experimentId);
  const run = await createRun(
    {
      experimentId,
      userId: wanted.user_id,
      startTime: wanted.start_time ?? undefined,
      name: wanted.run_name,
      tags: Object.fromEntries(wanted.tags.map(({ key, value }) => [key, value])),
    },
    deps,
  );
  return { run: mlflowRun(run) };
}

async function get({ query, requireExperiment }: ApiRequest, deps: RunRouteDeps) {
  const { runId } = parse(runRequests.named, Object.fromEntries(query));
  const run = await requireWholeRun(runId, deps);
  requireExperiment(run.info.experimentId);
  return { run: mlflowRun(run) };
}

async function search({ body, requireExperiment }: ApiRequest, deps: RunRouteDeps) {
  const wanted = parse(runRequests.search, body);
  for (const id of wanted.experiment_ids) requireExperiment(id);
  const experiments = (await deps.experiments.getMany(wanted.experiment_ids)).map(
    ({ experimentId, lifecycleStage }) => ({ experimentId, isDeleted: lifecycleStage === 'deleted' }),
  );
  const { runs, cursor } = await searchRuns(
    {
      experiments,
      viewType: wanted.run_view_type,
      filter: wanted.filter,
      orderBy: wanted.order_by,
      limit: wanted.max_results,
      cursor: wanted.page_token,
    },
    deps.runs,
  );
  return { runs: runs.map(mlflowRun), ...(cursor !== undefined && { next_page_token: cursor }) };
}

async function update({ body, requireExperiment }: ApiRequest, deps: RunRouteDeps) {
  const { runId, status, end_time: endTime, run_name: name } = parse(runRequests.update, body);
  const info = await requireActiveRun(runId, { requireExperiment, deps });
  const change = { ...(status && { status }), ...(endTime != null && { endTime }), ...(name !== '' && { name }) };
  const updated = Object.keys(change).length === 0 ? info : await deps.runs.update(runId, change);
  return { run_info: mlflowRunInfo(updated ?? (await requireActiveRun(runId, { requireExperiment, deps }))) };
}

/** Also where it is in that stage already: a request that is repeated has the same answer. */
async function changeLifecycle(
  { body, requireExperiment }: ApiRequest,
  stage: 'active' | 'deleted',
  deps: RunRouteDeps,
) {
  const { runId } = parse(runRequests.named, body);
  requireExperiment((await requireRun(runId, deps)).experimentId);
  await deps.runs.setLifecycle(runId, stage);
  return {};
}

async function setTag({ body, requireExperiment }: ApiRequest, deps: RunRouteDeps) {
  const { runId, key, value } = parse(runRequests.setTag, body);
  await requireActiveRun(runId, { requireExperiment, deps });
  await setRunTags(runId, { [key]: value }, deps);
  return {};
}

async function deleteTag({ body, requireExperiment }: ApiRequest, deps: RunRouteDeps) {
  const { runId, key } = parse(runRequests.deleteTag, body);
  await requireActiveRun(runId, { requireExperiment, deps });
  if (key === runNameTag)
    throw new ApiError('INVALID_PARAMETER_VALUE', `tag ${key} is the run's name: set another, it cannot be removed`);
  if (!(await deps.runs.removeTag(runId, key)))
    throw new ApiError('RESOURCE_DOES_NOT_EXIST', `No tag with name: ${key} in run with id ${runId}`);
  return {};
}

async function logMetric({ body, requireExperiment }: ApiRequest, deps: RunRouteDeps) {
  const { runId, key, value, timestamp, step } = parse(runRequests.logMetric, body);
  await requireActiveRun(runId, { requireExperiment, deps });
  await deps.runs.addMetrics(runId, [{ key, value, timestamp, step }]);
  return {};
}

async function logParam({ body, requireExperiment }: ApiRequest, deps: RunRouteDeps) {
  const { runId, key, value } = parse(runRequests.logParam, body);
  await requireActiveRun(runId, { requireExperiment, deps });
  await logParams(runId, [{ key, value }], deps);
  return {};
}

/** Each part can be repeated: a batch that died is sent again. */
async function logBatch({ body, requireExperiment }: ApiRequest, deps: RunRouteDeps) {
  const { runId, metrics, params, tags } = parse(runRequests.logBatch, body);
  await requireActiveRun(runId, { requireExperiment, deps });
  await logParams(runId, params, deps);
  await deps.runs.addMetrics(runId, metrics);
  await setRunTags(runId, Object.fromEntries(tags.map(({ key, value }) => [key, value])), deps);
  return {};
}

async function logInputs({ body, requireExperiment }: ApiRequest, deps: RunRouteDeps) {
  const { runId, datasets } = parse(runRequests.logInputs, body);
  await requireActiveRun(runId, { requireExperiment, deps });
  await deps.runs.addInputs(runId, datasets.map(toDatasetInput));
  return {};
}

async function history({ query, requireExperiment }: ApiRequest, deps: RunRouteDeps) {
  const wanted = parse(runRequests.history, Object.fromEntries(query));
  requireExperiment((await requireRun(wanted.runId, deps)).experimentId);
  const isPosition = (text: string) => /^[0-9a-fn]{50,51}$/.test(text);
  const after = wanted.page_token
    ? fromPageToken(wanted.page_token, (text) => (isPosition(text) ? text : undefined))
    : undefined;
  const { metrics, next } = await deps.runs.history(wanted.runId, {
    key: wanted.metric_key,
    limit: wanted.max_results,
    after,
  });
  return { metrics: metrics.map(mlflowMetric), ...(next !== undefined && { next_page_token: toPageToken(next) }) };
}
