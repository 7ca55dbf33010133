import type { Comparator, FilterEntity } from './filter.ts';

/** MLflow's spellings of the entities (mlflow/utils/search_utils.py, SearchTraceUtils, 3.17). */
export const entities: Readonly<Record<string, FilterEntity>> = {
  attribute: 'attribute',
  attributes: 'attribute',
  trace: 'attribute',
  tag: 'tag',
  tags: 'tag',
  metadata: 'request_metadata',
  request_metadata: 'request_metadata',
  span: 'span',
  feedback: 'feedback',
  expectation: 'expectation',
  issue: 'issue',
};

/** Other spellings of a numeric attribute. */
export const attributeAliases: Readonly<Record<string, string>> = {
  timestamp: 'timestamp_ms',
  execution_time: 'execution_time_ms',
  end_time: 'end_time_ms',
};

export const mlflowNumericAttributes = [
  'timestamp_ms',
  'timestamp',
  'execution_time_ms',
  'execution_time',
  'end_time_ms',
  'end_time',
] as const;

export const mlflowStringAttributes = [
  'request_id',
  'status',
  'client_request_id',
  'name',
  'run_id',
  'prompt',
  'text',
] as const;

/** Assay's own, only spelt with `trace.` (or `attributes.`): a bare `session` or `user` is refused as in MLflow. */
export const assayStringAttributes = ['session', 'user'] as const;
export const assayNumericAttributes = [
  'input_tokens',
  'output_tokens',
  'total_tokens',
  'input_cost',
  'output_cost',
  'total_cost',
  'span_count',
  'error_count',
  'tool_call_count',
  'tool_error_count',
] as const;

export const numericAttributes: ReadonlySet<string> = new Set([...mlflowNumericAttributes, ...assayNumericAttributes]);

/** Those that may stand before a list. `name` and `run_id` are then refused, as MLflow does: they are a tag and a metadata key. */
export const listAttributes: ReadonlySet<string> = new Set([
  'name',
  'status',
  'request_id',
  'run_id',
  'client_request_id',
  ...assayStringAttributes,
]);

export const numericComparators: readonly Comparator[] = ['>', '>=', '!=', '=', '<', '<='];
export const listableComparators: readonly Comparator[] = ['!=', '=', 'IN', 'NOT IN', 'LIKE', 'ILIKE', 'RLIKE'];
export const keyedComparators: readonly Comparator[] = ['!=', '=', 'LIKE', 'ILIKE', 'RLIKE', 'IS NULL', 'IS NOT NULL'];
export const orderComparators: readonly Comparator[] = ['>', '>=', '<', '<='];
export const contentComparators: readonly Comparator[] = ['LIKE', 'ILIKE'];

/** Words that SQL reserves: MLflow's tokenizer (sqlparse) takes them neither as a key nor as a value when they stand alone. */
export const keywords: ReadonlySet<string> = new Set(
  (
    'AND OR NOT IN IS LIKE ILIKE RLIKE REGEXP BETWEEN TRUE FALSE SELECT FROM WHERE CASE END AS BY FOR SET ON OFF NO NONE TEXT USER SESSION TYPE ' +
    'DATE LEVEL TIME ROLE SOURCE KEY VERSION LANGUAGE GROUP ORDER COUNT SUM LIMIT OFFSET HOST METHOD PATH RESULT OUTPUT INPUT SIZE LENGTH START ' +
    'UNKNOWN PUBLIC PRIVATE ADMIN SYSTEM DATA DOMAIN OBJECT CLASS OPTION DEFAULT PARAMETER OWNER ACCOUNT'
  ).split(' '),
);
