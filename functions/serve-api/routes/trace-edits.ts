import * as z from 'zod';
import { createAssessmentRequest, toAssessment } from '../../../shared/contracts/mlflow-assessment.ts';
import { mlflowTraceInfo } from '../../../shared/contracts/mlflow-entities.ts';
import { startTraceRequest, toStatement } from '../../../shared/contracts/mlflow-trace-statement.ts';
import { ApiError } from '../../../shared/domain/api-error.ts';
import { activeExperiment } from '../../../shared/domain/change-experiments.ts';
import { type RunDeps, requireActiveRun } from '../../../shared/domain/change-runs.ts';
import { type DeleteTracesDeps, deleteOldTraces, deleteTraces } from '../../../shared/domain/delete-traces.ts';
import { type EditTraceDeps, editTrace, startTrace } from '../../../shared/domain/edit-trace.ts';
import type { TraceStatement } from '../../../shared/domain/explicit-facts.ts';
import { settleInParallel, valuesOf } from '../../../shared/domain/in-parallel.ts';
import { linkedPromptsTag, readLinkedPrompts } from '../../../shared/domain/linked-prompts.ts';
import type { AssessmentArchive, AssessmentStore } from '../../../shared/domain/ports.ts';
import type { TraceInfo } from '../../../shared/domain/trace.ts';
import { type ApiRequest, fitsItem, parse, tooLarge } from '../request.ts';
import { ingesters, jsonRoutes, type Route, writers } from '../router.ts';

export interface TraceEditRouteDeps extends EditTraceDeps, DeleteTracesDeps, RunDeps {
  readonly index: EditTraceDeps['index'] & DeleteTracesDeps['index'];
  readonly now: EditTraceDeps['now'];
  readonly assessments: Pick<AssessmentStore, 'put'>;
  readonly archive: AssessmentArchive;
}

/** MLflow's bounds (mlflow/store/tracking/__init__.py): tags of traces. */
const maxKeyLength = 250;
const maxTagLength = 8_000;
const maxTags = 200;

const tagBody = z.object({
  key: z.string().min(1).max(maxKeyLength),
  value: z.union([z.string(), z.number(), z.boolean()]).transform(String).pipe(z.string().max(maxTagLength)),
});
const tagKeyBody = z.object({ key: z.string().min(1) });
const deletion = z.object({
  experiment_id: z.union([z.string(), z.int()]).transform(String),
  max_timestamp_millis: z.coerce.number().int().min(0).nullish(),
  max_traces: z.number().int().min(1).nullish(),
  request_ids: z.array(z.string()).nullish(),
});
const runLink = z.object({ trace_ids: z.array(z.string()).min(1).max(100), run_id: z.string().min(1) });
const promptLink = z.object({
  trace_id: z.string(),
  prompt_versions: z.array(
    z.object({ name: z.string(), version: z.union([z.string(), z.number()]).transform(String) }),
  ),
});

const editsAtOnce = 8;
/** The gateway waits 30 s: a deletion of many ends before and tells how many it did. */
const deletionMs = 20_000;

/** Writing what is said of traces beside their spans, and deleting them. */
export function traceEditRoutes(deps: TraceEditRouteDeps): readonly Route[] {
  const v3 = jsonRoutes('/api/3.0/mlflow/traces', deps);
  const v2 = jsonRoutes('/api/2.0/mlflow/traces', deps);
  return [
    v3(['POST', ''], ingesters, start),
    // Clients write under v2 what they read under v3; the server of MLflow has both.
    ...[v2, v3].flatMap((route) => [
      route(['PATCH', '/{traceId}/tags'], writers, setTag),
      route(['DELETE', '/{traceId}/tags'], writers, deleteTag),
      route(['POST', '/delete-traces'], writers, remove),
      route(['POST', '/link-to-run'], writers, linkToRun),
      route(['POST', '/link-prompts'], writers, linkPrompts),
    ]),
  ];
}

async function start({ body, requireExperiment }: ApiRequest, deps: TraceEditRouteDeps) {
  const { trace_info: started } = parse(startTraceRequest, body).trace;
  const { trace_id: traceId } = started;
  const experimentId = started.trace_location.mlflow_experiment.experiment_id;
  requireExperiment(experimentId);
  await activeExperiment(experimentId, deps);
  const statement = toStatement(started);
  if (!fitsItem(statement))
    throw new ApiError('INVALID_PARAMETER_VALUE', `metadata, tags and previews are ${tooLarge}`);
  const info = await startTrace({ traceId, experimentId, statement }, deps);
  const assessments = (started.assessments ?? []).map((assessment) =>
    toAssessment(parse(createAssessmentRequest, { assessment }).assessment, {
      traceId,
      experimentId,
      now: deps.now(),
      newId: deps.newId,
    }),
  );
  if (assessments.length > 0) await deps.archive.addAssessments(await deps.assessments.put(assessments));
  return { trace: { trace_info: mlflowTraceInfo(info, assessments) } };
}

async function setTag({ parameters, body, requireExperiment }: ApiRequest, deps: TraceEditRouteDeps) {
  const { key, value } = parse(tagBody, body);
  await editTrace(
    parameters.traceId ?? '',
    (info) => {
      requireExperiment(info.experimentId);
      if (Object.keys(info.facts.tags).length >= maxTags && !Object.hasOwn(info.facts.tags, key))
        throw new ApiError(
          'INVALID_PARAMETER_VALUE',
          `a trace has ${maxTags} tags at most: delete one before setting '${key}'`,
        );
      return { tags: { [key]: value } };
    },
    deps,
  );
  return {};
}

async function deleteTag({ parameters, body, requireExperiment }: ApiRequest, deps: TraceEditRouteDeps) {
  const { key } = parse(tagKeyBody, body);
  const traceId = parameters.traceId ?? '';
  await editTrace(
    traceId,
    (info) => {
      requireExperiment(info.experimentId);
      if (!Object.hasOwn(info.facts.tags, key))
        throw new ApiError('RESOURCE_DOES_NOT_EXIST', `No trace tag with key '${key}' for trace with ID '${traceId}'`);
      return { removedTags: [key] };
    },
    deps,
  );
  return {};
}

async function remove({ body, requireExperiment }: ApiRequest, deps: TraceEditRouteDeps) {
  const wanted = parse(deletion, body);
  const { experiment_id: experimentId, request_ids: ids, max_timestamp_millis: to } = wanted;
  requireExperiment(experimentId);
  const hasIds = ids !== undefined && ids !== null && ids.length > 0;
  const hasTime = to !== undefined && to !== null;
  if (hasIds === hasTime)
    throw new ApiError(
      'INVALID_PARAMETER_VALUE',
      'Either `max_timestamp_millis` or `request_ids` must be specified, but not both.',
    );
  if (hasIds && wanted.max_traces)
    throw new ApiError('INVALID_PARAMETER_VALUE', "`max_traces` can't be specified if `request_ids` is specified.");
  if (hasIds) return { traces_deleted: await deleteTraces(ids, { experimentId, deps }) };
  const limit = wanted.max_traces ?? Number.MAX_SAFE_INTEGER;
  const old = { experimentId, to: Number(to), limit, until: deps.now() + deletionMs };
  return { traces_deleted: await deleteOldTraces(old, deps) };
}

async function linkToRun({ body, requireExperiment }: ApiRequest, deps: TraceEditRouteDeps) {
  const { trace_ids: traceIds, run_id: runId } = parse(runLink, body);
  await requireActiveRun(runId, { requireExperiment, deps });
  await editAll(traceIds, deps, (info) => {
    requireExperiment(info.experimentId);
    return { facts: { linkedRuns: [...new Set([...(info.facts.linkedRuns ?? []), runId])] } };
  });
  return {};
}

async function linkPrompts({ body, requireExperiment }: ApiRequest, deps: TraceEditRouteDeps) {
  const { trace_id: traceId, prompt_versions: prompts } = parse(promptLink, body);
  await editAll([traceId], deps, (info) => {
    requireExperiment(info.experimentId);
    const linked = [...readLinkedPrompts(info.facts.tags[linkedPromptsTag]), ...prompts];
    const distinct = new Map(linked.map(({ name, version }) => [`${name}/${version}`, { name, version }]));
    return { tags: { [linkedPromptsTag]: JSON.stringify([...distinct.values()]) } };
  });
  return {};
}

async function editAll(
  traceIds: readonly string[],
  deps: TraceEditRouteDeps,
  change: (info: TraceInfo) => TraceStatement,
): Promise<void> {
  const task = (traceId: string) => editTrace(traceId, change, deps);
  valuesOf(await settleInParallel([...new Set(traceIds)], { limit: editsAtOnce, task }));
}
