import { ApiError } from '../api-error.ts';
import { type AggregationType, type MetricView, metricDefinitions } from './vocabulary.ts';

export interface MetricsQuery {
  readonly experimentIds: readonly string[];
  readonly view: MetricView;
  readonly metric: string;
  readonly aggregations: readonly Aggregation[];
  readonly dimensions: readonly string[];
  /** One clause each; all must hold. */
  readonly filters: readonly string[];
  /** Of a time bucket, s; absent or 0: none. */
  readonly intervalSeconds?: number | undefined;
  /** Of the traces' request times, epoch ms, inclusive. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** Data points on a page. */
  readonly limit: number;
  /** Of the page before. */
  readonly cursor?: string | undefined;
}

export interface Aggregation {
  readonly type: AggregationType;
  /** 0 to 100, of PERCENTILE alone. */
  readonly percentile?: number | undefined;
}

/**
 * Whether the query can be answered, asked before anything is read.
 * @throws ApiError with MLflow's text
 */
export function checkMetricsQuery(query: MetricsQuery): void {
  checkMetric(query);
  for (const aggregation of query.aggregations) checkPercentile(aggregation);
  if (!query.intervalSeconds) return;
  if (query.intervalSeconds < 0) throw refused(`time_interval_seconds must be positive, got ${query.intervalSeconds}`);
  if (query.from === undefined || query.to === undefined)
    throw refused('start_time_ms and end_time_ms are required if time_interval_seconds is set');
}

function checkMetric({ view, metric, aggregations, dimensions }: MetricsQuery): void {
  const metrics = metricDefinitions[view];
  const definition = Object.hasOwn(metrics, metric) ? metrics[metric] : undefined;
  if (definition === undefined)
    throw refused(`metric_name must be one of ${listOf(Object.keys(metrics))}, got '${metric}'`);
  const types = unknown(
    aggregations.map(({ type }) => type),
    definition.aggregations,
  );
  if (types.length > 0) {
    throw refused(
      `Found invalid aggregation_type(s): ${listOf(types)}. Supported aggregation types: ${listOf(definition.aggregations.toSorted())}`,
    );
  }
  const names = unknown(dimensions, definition.dimensions);
  if (names.length > 0) {
    throw refused(
      `Found invalid dimension(s): ${listOf(names)}. Supported dimensions: ${listOf(definition.dimensions.toSorted())}`,
    );
  }
}

function unknown(asked: readonly string[], known: readonly string[]): readonly string[] {
  return [...new Set(asked)].filter((name) => !known.includes(name)).toSorted();
}

function checkPercentile({ type, percentile }: Aggregation): void {
  if (type !== 'PERCENTILE') {
    if (percentile === undefined) return;
    throw refused(`Percentile value is only allowed for PERCENTILE aggregation type, got ${type}`);
  }
  if (percentile === undefined) throw refused('Percentile value is required for PERCENTILE aggregation');
  if (!(percentile >= 0 && percentile <= 100))
    throw refused(`Percentile value must be between 0 and 100, got ${percentile}`);
}

function refused(message: string): ApiError {
  return new ApiError('INVALID_PARAMETER_VALUE', message);
}

/** As Python prints a list of strings. */
function listOf(items: readonly string[]): string {
  return `[${items.map((item) => `'${item}'`).join(', ')}]`;
}
