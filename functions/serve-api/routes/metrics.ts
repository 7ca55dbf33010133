import * as z from 'zod';
import { ApiError } from '../../../shared/domain/api-error.ts';
import { type Correlation, correlateFilters } from '../../../shared/domain/metrics/correlate-filters.ts';
import type { DataPoint } from '../../../shared/domain/metrics/metric-groups.ts';
import { queryMetrics } from '../../../shared/domain/metrics/query-metrics.ts';
import type { RangeDeps } from '../../../shared/domain/metrics/read-range.ts';
import { parseParameters } from '../mlflow-parameters.ts';
import type { ApiRequest } from '../request.ts';
import { jsonRoutes, type Route, readers } from '../router.ts';

export type MetricRouteDeps = RangeDeps;

/** In protobuf's JSON a 64-bit integer may be a text, and null is absent. */
const integer = z
  .union([
    z.number().int(),
    z
      .string()
      .regex(/^-?\d+$/)
      .transform(Number),
  ])
  .nullish()
  .transform((value) => value ?? undefined);
const text = z
  .string()
  .nullish()
  .transform((value) => value || undefined);
const texts = z
  .array(z.string())
  .nullish()
  .transform((value) => value ?? []);

const metricsBody = z.object({
  experiment_ids: z.array(z.string()),
  view_type: z.enum(['TRACES', 'SPANS', 'ASSESSMENTS']),
  metric_name: z.string().min(1),
  aggregations: z
    .array(
      z.object({
        aggregation_type: z.enum(['COUNT', 'SUM', 'AVG', 'PERCENTILE', 'MIN', 'MAX']),
        percentile_value: z
          .number()
          .nullish()
          .transform((value) => value ?? undefined),
      }),
    )
    .min(1),
  dimensions: texts,
  filters: texts,
  time_interval_seconds: integer,
  start_time_ms: integer,
  end_time_ms: integer,
  max_results: integer,
  page_token: text,
});

const correlationBody = z.object({
  experiment_ids: z.array(z.string()),
  filter_string1: z.string().min(1),
  filter_string2: z.string().min(1),
  base_filter: text,
});

/** MLflow's default (mlflow/store/tracking/__init__.py). */
const defaultMaxResults = 1_000;

export function metricRoutes(deps: MetricRouteDeps): readonly Route[] {
  const route = jsonRoutes('/api/3.0/mlflow/traces/', deps);
  return [
    route(['POST', 'metrics'], readers, metrics),
    route(['POST', 'calculate-filter-correlation'], readers, correlation),
  ];
}

async function metrics(request: ApiRequest, deps: MetricRouteDeps): Promise<object> {
  const asked = parseParameters(metricsBody, request.body);
  const limit = asked.max_results ?? defaultMaxResults;
  if (limit < 1) {
    throw new ApiError(
      'INVALID_PARAMETER_VALUE',
      `Invalid value ${limit} for parameter 'max_results' supplied. It must be a positive integer`,
    );
  }
  const { points, cursor } = await queryMetrics(
    {
      experimentIds: readableExperiments(asked.experiment_ids, request),
      view: asked.view_type,
      metric: asked.metric_name,
      aggregations: asked.aggregations.map((each) => ({
        type: each.aggregation_type,
        percentile: each.percentile_value,
      })),
      dimensions: asked.dimensions,
      filters: asked.filters,
      intervalSeconds: asked.time_interval_seconds,
      from: asked.start_time_ms,
      to: asked.end_time_ms,
      limit,
      cursor: asked.page_token,
    },
    deps,
  );
  return {
    data_points: points.map((point) => toDataPoint(point, asked.metric_name)),
    ...(cursor !== undefined && { next_page_token: cursor }),
  };
}

function toDataPoint({ bucket, dimensions, values }: DataPoint, metricName: string): object {
  // As Python's isoformat() writes it.
  const time_bucket = bucket === undefined ? undefined : `${new Date(bucket).toISOString().slice(0, 19)}+00:00`;
  return { metric_name: metricName, dimensions: { ...(time_bucket && { time_bucket }), ...dimensions }, values };
}

async function correlation(request: ApiRequest, deps: MetricRouteDeps): Promise<object> {
  const asked = parseParameters(correlationBody, request.body);
  const found = await correlateFilters(
    {
      experimentIds: readableExperiments(asked.experiment_ids, request),
      filter1: asked.filter_string1,
      filter2: asked.filter_string2,
      base: asked.base_filter,
    },
    deps,
  );
  return toCorrelation(found);
}

/** MLflow leaves out what is not a number; its client reads that as NaN. */
function toCorrelation({ npmi, filter1, filter2, joint, total }: Correlation): object {
  return {
    ...(npmi && { npmi: npmi.plain, npmi_smoothed: npmi.smoothed }),
    filter1_count: filter1,
    filter2_count: filter2,
    joint_count: joint,
    total_count: total,
  };
}

function readableExperiments(experimentIds: readonly string[], request: ApiRequest): readonly string[] {
  for (const experimentId of experimentIds) {
    if (!/^\d+$/.test(experimentId)) {
      throw new ApiError(
        'INVALID_PARAMETER_VALUE',
        `Invalid experiment ID '${experimentId}'. Experiment ID must be a valid integer.`,
      );
    }
    request.requireExperiment(experimentId);
  }
  return [...new Set(experimentIds)];
}
