import * as z from 'zod';
import { mlflowTraceInfo } from '../../../shared/contracts/mlflow-entities.ts';
import { mlflowSpans } from '../../../shared/contracts/mlflow-span.ts';
import { ApiError } from '../../../shared/domain/api-error.ts';
import { settleInParallel } from '../../../shared/domain/in-parallel.ts';
import type { TraceRecord } from '../../../shared/domain/ports.ts';
import { type SearchDeps, searchTraces } from '../../../shared/domain/search-traces.ts';
import { type ApiRequest, parse, required } from '../request.ts';
import { type Route, readers } from '../router.ts';

export type TraceRouteDeps = SearchDeps;

const searchBody = z.object({
  locations: z.array(z.object({ mlflow_experiment: z.object({ experiment_id: z.string() }) })).min(1),
  filter: z.string().optional(),
  max_results: z.number().int().min(1).max(500).default(100),
  order_by: z.array(z.string()).optional(),
  page_token: z.string().optional(),
});

const newestFirst = /^(attributes?\.|trace\.)?timestamp(_ms)?(\s+desc)?$/i;
const readsAtOnce = 8;

export function traceRoutes(deps: TraceRouteDeps): readonly Route[] {
  const base = '/api/3.0/mlflow/traces';
  const wholeTrace = (request: ApiRequest, traceId: string) => readWhole(traceId, { request, deps });
  return [
    {
      method: 'GET',
      path: `${base}/get`,
      roles: readers,
      handle: async (request) => ({ json: { trace: await wholeTrace(request, required(request.query, 'trace_id')) } }),
    },
    {
      method: 'GET',
      path: `${base}/batchGet`,
      roles: readers,
      handle: async (request) => {
        const task = (traceId: string) => wholeTrace(request, traceId);
        const results = await settleInParallel(request.query.getAll('trace_ids'), { limit: readsAtOnce, task });
        return {
          json: {
            traces: results.flatMap((result) =>
              result.status === 'fulfilled' ? result.value : orThrow(result.reason),
            ),
          },
        };
      },
    },
    {
      method: 'POST',
      path: `${base}/search`,
      roles: readers,
      handle: async (request) => ({ json: await search(request, deps) }),
    },
    {
      method: 'GET',
      path: `${base}/{traceId}`,
      roles: readers,
      handle: async (request) => {
        const { info, assessments } = await readRecord(request.parameters.traceId ?? '', { request, deps });
        return { json: { trace: { trace_info: mlflowTraceInfo(info, assessments) } } };
      },
    },
  ];
}

/** MLflow's client does not ask again for traces that a batch leaves out: only those that are not there are. */
function orThrow(reason: unknown): readonly [] {
  if (reason instanceof ApiError && reason.code === 'RESOURCE_DOES_NOT_EXIST') return [];
  throw reason;
}

async function readRecord(
  traceId: string,
  { request, deps }: { request: ApiRequest; deps: TraceRouteDeps },
): Promise<TraceRecord> {
  const record = await deps.index.readTrace(traceId);
  if (!record) throw new ApiError('RESOURCE_DOES_NOT_EXIST', `Trace with ID '${traceId}' not found.`);
  request.requireExperiment(record.info.experimentId);
  return record;
}

async function readWhole(traceId: string, context: { request: ApiRequest; deps: TraceRouteDeps }): Promise<object> {
  const record = await readRecord(traceId, context);
  const { segments, codec } = context.deps;
  const refs = [...record.info.blocks, ...record.unmerged.map(({ block }) => block)];
  const blocks = await Promise.all(refs.map(async (ref) => codec.decompress(await segments.readBlock(ref))));
  return { trace_info: mlflowTraceInfo(record.info, record.assessments), spans: mlflowSpans(codec.merge(blocks)) };
}

async function search(request: ApiRequest, deps: TraceRouteDeps): Promise<object> {
  const {
    locations,
    filter,
    max_results: limit,
    order_by: orderBy = [],
    page_token: cursor,
  } = parse(searchBody, request.body);
  const experimentIds = locations.map((location) => location.mlflow_experiment.experiment_id);
  for (const experimentId of experimentIds) request.requireExperiment(experimentId);
  const unknown = orderBy.find((order) => !newestFirst.test(order.trim()));
  if (unknown)
    throw new ApiError('INVALID_PARAMETER_VALUE', `traces are ordered by "timestamp_ms DESC" only, got "${unknown}"`);
  const found = await searchTraces({ experimentIds, filter, limit, cursor }, deps);
  const task = async ({ traceId }: { traceId: string }) => deps.assessments.list(traceId);
  const assessments = await settleInParallel(found.infos, { limit: readsAtOnce, task });
  const traces = found.infos.map((info, i) => {
    const result = assessments[i];
    if (result?.status !== 'fulfilled') throw result?.reason;
    return mlflowTraceInfo(info, result.value);
  });
  return { traces, ...(found.cursor !== undefined && { next_page_token: found.cursor }) };
}
