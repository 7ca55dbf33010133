import * as z from 'zod';
import { inMlflowsDialect } from '../../../shared/contracts/mlflow-dialect.ts';
import { mlflowTraceInfo } from '../../../shared/contracts/mlflow-entities.ts';
import { mlflowSpans } from '../../../shared/contracts/mlflow-span.ts';
import { settleInParallel, valuesOf } from '../../../shared/domain/in-parallel.ts';
import type { TraceRecord } from '../../../shared/domain/ports.ts';
import { type ReadTraceDeps, readWholeTrace, traceNotFound } from '../../../shared/domain/read-trace.ts';
import { type SearchDeps, searchTraces } from '../../../shared/domain/search/search-traces.ts';
import type { TraceInfo } from '../../../shared/domain/trace.ts';
import { type ApiRequest, parse, required } from '../request.ts';
import { jsonRoutes, type Route, readers } from '../router.ts';

export type TraceRouteDeps = SearchDeps & ReadTraceDeps;

const searchBody = z.object({
  locations: z
    .array(
      z.object({ mlflow_experiment: z.object({ experiment_id: z.union([z.string(), z.int()]).transform(String) }) }),
    )
    .min(1),
  filter: z.string().nullish(),
  max_results: z.number().int().min(1).max(500).nullish(),
  order_by: z.array(z.string()).nullish(),
  page_token: z.string().nullish(),
});

const infosBody = z.object({
  trace_ids: z.array(z.string()).max(1_000),
  experiment_ids: z.array(z.string()).nullish(),
});

const defaultPage = 100;
const readsAtOnce = 8;

/** Reading traces. */
export function traceRoutes(deps: TraceRouteDeps): readonly Route[] {
  const route = jsonRoutes('/api/3.0/mlflow/traces/', deps);
  return [
    route(['GET', 'get'], readers, getTrace),
    route(['GET', 'batchGet'], readers, getTraces),
    route(['POST', 'batchGetInfos'], readers, getInfos),
    route(['POST', 'search'], readers, search),
    route(['GET', '{traceId}'], readers, getInfo),
  ];
}

async function getInfo({ parameters, requireExperiment }: ApiRequest, { index }: TraceRouteDeps) {
  const traceId = parameters.traceId ?? '';
  const record = await index.readTrace(traceId);
  if (!record) throw traceNotFound(traceId);
  requireExperiment(record.info.experimentId);
  return { trace: { trace_info: infoOf(record) } };
}

async function getTrace(request: ApiRequest, deps: TraceRouteDeps) {
  const traceId = required(request.query, 'trace_id');
  const trace = await readWhole(traceId, { request, deps });
  if (!trace) throw traceNotFound(traceId);
  return { trace };
}

/** MLflow's client does not ask again for traces that are left out: only those that are not there are. */
async function getTraces(request: ApiRequest, deps: TraceRouteDeps) {
  const task = (traceId: string) => readWhole(traceId, { request, deps });
  const traceIds = request.query.getAll('trace_ids');
  const traces = valuesOf(await settleInParallel(traceIds, { limit: readsAtOnce, task }));
  return { traces: traces.filter((trace) => trace !== undefined) };
}

async function getInfos({ body, requireExperiment }: ApiRequest, deps: TraceRouteDeps) {
  const { trace_ids: traceIds, experiment_ids: within } = parse(infosBody, body);
  const known = await deps.index.getInfos([...new Set(traceIds)]);
  const infos = traceIds.flatMap((traceId) => known.get(traceId) ?? []);
  for (const { experimentId } of infos) requireExperiment(experimentId);
  const meant = within ? infos.filter(({ experimentId }) => within.includes(experimentId)) : infos;
  return { trace_infos: await withAssessments(meant, deps) };
}

function infoOf({ info, assessments }: TraceRecord): object {
  return mlflowTraceInfo(info, assessments);
}

async function readWhole(
  traceId: string,
  { request, deps }: { request: ApiRequest; deps: TraceRouteDeps },
): Promise<object | undefined> {
  const waitsForSpans = request.query.get('allow_partial')?.toLowerCase() !== 'true';
  const trace = await readWholeTrace(traceId, { waitsForSpans }, deps);
  if (!trace) return undefined;
  request.requireExperiment(trace.info.experimentId);
  const { tracesData } = trace;
  const spans = inMlflowsDialect(mlflowSpans(tracesData), () => deps.codec.decode(tracesData));
  return { trace_info: infoOf(trace), spans };
}

/** Beyond MLflow, `searched_until` tells how far a search that is not at its end has got. */
async function search({ body, requireExperiment }: ApiRequest, deps: TraceRouteDeps) {
  const wanted = parse(searchBody, body);
  const experimentIds = [...new Set(wanted.locations.map(({ mlflow_experiment: { experiment_id } }) => experiment_id))];
  for (const experimentId of experimentIds) requireExperiment(experimentId);
  const { infos, cursor, reached } = await searchTraces(
    {
      experimentIds,
      filter: wanted.filter ?? undefined,
      orderBy: wanted.order_by ?? [],
      limit: wanted.max_results ?? defaultPage,
      cursor: wanted.page_token || undefined,
    },
    deps,
  );
  return {
    traces: await withAssessments(infos, deps),
    ...(cursor !== undefined && { next_page_token: cursor }),
    ...(reached !== undefined && { searched_until: new Date(reached).toISOString() }),
  };
}

async function withAssessments(
  infos: readonly TraceInfo[],
  { assessments }: TraceRouteDeps,
): Promise<readonly object[]> {
  const byTrace = await assessments.listAll(infos);
  return infos.map((info) => mlflowTraceInfo(info, byTrace.get(info.traceId) ?? []));
}
