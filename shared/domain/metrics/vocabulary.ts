export type MetricView = 'TRACES' | 'SPANS' | 'ASSESSMENTS';
export type AggregationType = 'COUNT' | 'SUM' | 'AVG' | 'MIN' | 'MAX' | 'PERCENTILE';

interface MetricDefinition {
  readonly aggregations: readonly AggregationType[];
  readonly dimensions: readonly string[];
}

const counted: readonly AggregationType[] = ['COUNT'];
const spread: readonly AggregationType[] = ['AVG', 'MIN', 'MAX', 'PERCENTILE'];
const summed: readonly AggregationType[] = ['SUM', ...spread];

const byName = { aggregations: summed, dimensions: ['trace_name'] };
const byModel = { aggregations: summed, dimensions: ['span_model_name', 'span_model_provider'] };

/** What can be asked (MLflow 3.18, mlflow/store/tracking/utils/sql_trace_metrics_utils.py); the order is that of its messages. */
export const metricDefinitions: Readonly<Record<MetricView, Readonly<Record<string, MetricDefinition>>>> = {
  TRACES: {
    trace_count: { aggregations: counted, dimensions: ['trace_name', 'trace_status'] },
    session_count: { aggregations: counted, dimensions: [] },
    latency: { aggregations: spread, dimensions: ['trace_name'] },
    input_tokens: byName,
    output_tokens: byName,
    total_tokens: byName,
    cache_read_input_tokens: byName,
    cache_creation_input_tokens: byName,
  },
  SPANS: {
    span_count: {
      aggregations: counted,
      dimensions: ['span_name', 'span_type', 'span_status', 'span_model_name', 'span_model_provider'],
    },
    latency: { aggregations: spread, dimensions: ['span_name', 'span_status'] },
    input_cost: byModel,
    output_cost: byModel,
    total_cost: byModel,
  },
  ASSESSMENTS: {
    assessment_count: { aggregations: counted, dimensions: ['assessment_name', 'assessment_value'] },
    assessment_value: { aggregations: spread, dimensions: ['assessment_name'] },
  },
};
