/**
 * The three tables of the archive. A shape is declared once, here: the row types, the Glue tables and the Parquet columns
 * follow from it. Names are lower case (Athena's rule); a `timestamp` is sent as `yyyy-MM-dd HH:mm:ss.SSS` in UTC, the form
 * that Firehose's OpenX deserializer reads; free-form values are JSON text, to be read with json_extract_scalar.
 * All tables are partitioned by `dt`, the UTC date of arrival, which Firehose sets.
 */
export type GlueType = 'string' | 'bigint' | 'int' | 'double' | 'boolean' | 'timestamp' | 'array<string>';

const tokenColumns = {
  input_tokens: 'bigint',
  output_tokens: 'bigint',
  total_tokens: 'bigint',
  cache_read_input_tokens: 'bigint',
  cache_creation_input_tokens: 'bigint',
} as const;

/**
 * One row for each revision of a trace; the view keeps the highest. What went in and came out stands in the root span's row. A trace that
 * was deleted has one more, with `deleted_at`, and no view shows it any more.
 */
export const traceColumns = {
  revision: 'int',
  trace_id: 'string',
  experiment_id: 'string',
  request_time: 'timestamp',
  duration_ms: 'bigint',
  state: 'string',
  completeness: 'string',
  name: 'string',
  client_request_id: 'string',
  session_id: 'string',
  user_id: 'string',
  tags: 'string',
  metadata: 'string',
  models: 'array<string>',
  ...tokenColumns,
  input_cost: 'double',
  output_cost: 'double',
  total_cost: 'double',
  span_count: 'int',
  error_count: 'int',
  tool_call_count: 'int',
  tool_error_count: 'int',
  /** Of a trace whose client said them itself; else they follow from its spans. */
  request_preview: 'string',
  response_preview: 'string',
  /** JSON list of runs that it was linked to. */
  linked_runs: 'string',
  deleted_at: 'timestamp',
  archived_at: 'timestamp',
} as const satisfies Record<string, GlueType>;

/**
 * One row for each span of each block. The large texts stand once: the attribute that `inputs_attribute` (`outputs_attribute`)
 * names is left out of `attributes`. Where that was no text, but a list or a map, `inputs_structured` (`outputs_structured`) is true.
 */
export const spanColumns = {
  trace_id: 'string',
  span_id: 'string',
  parent_span_id: 'string',
  experiment_id: 'string',
  /** True where the span came with the key of an experiment that does not own the trace; else null, and false in the view. */
  is_foreign: 'boolean',
  name: 'string',
  kind: 'int',
  span_type: 'string',
  start_time_unix_nano: 'bigint',
  end_time_unix_nano: 'bigint',
  status_code: 'string',
  status_message: 'string',
  model: 'string',
  provider: 'string',
  ...tokenColumns,
  total_cost: 'double',
  tool_name: 'string',
  tool_failed: 'boolean',
  inputs: 'string',
  inputs_attribute: 'string',
  inputs_structured: 'boolean',
  outputs: 'string',
  outputs_attribute: 'string',
  outputs_structured: 'boolean',
  attributes: 'string',
  events: 'string',
  links: 'string',
  resource_attributes: 'string',
  scope_name: 'string',
  scope_version: 'string',
  trace_state: 'string',
  /** Size of the span on the wire, bytes. Of two versions of a span the one that ended later, then the larger, is kept. */
  size_bytes: 'bigint',
} as const satisfies Record<string, GlueType>;

/** One row for each writing of an assessment; the view keeps the latest. */
export const assessmentColumns = {
  assessment_id: 'string',
  trace_id: 'string',
  experiment_id: 'string',
  name: 'string',
  kind: 'string',
  source_type: 'string',
  source_id: 'string',
  /** JSON text of the value; `value_number` and `value_text` hold it where it is one. Yes/no and true/false count as 1 and 0. */
  value: 'string',
  value_number: 'double',
  value_text: 'string',
  error_code: 'string',
  error_message: 'string',
  error_stack_trace: 'string',
  rationale: 'string',
  metadata: 'string',
  span_id: 'string',
  overrides: 'string',
  scorer_name: 'string',
  scorer_version: 'int',
  sample_rate: 'double',
  valid: 'boolean',
  created_at: 'timestamp',
  updated_at: 'timestamp',
  archived_at: 'timestamp',
} as const satisfies Record<string, GlueType>;

/** The partition column: UTC date of arrival. */
export const partitionColumn = 'dt';

type Value<T extends GlueType> = T extends 'string' | 'timestamp'
  ? string
  : T extends 'bigint'
    ? number | bigint
    : T extends 'boolean'
      ? boolean
      : T extends 'array<string>'
        ? readonly string[]
        : number;

/** A row as it is sent to Firehose: a column left out is null. */
type Row<C extends Record<string, GlueType>> = { readonly [K in keyof C]?: Value<C[K]> };

export type TraceRow = Row<typeof traceColumns>;
export type SpanRow = Row<typeof spanColumns>;
export type AssessmentRow = Row<typeof assessmentColumns>;

/** What a row is about, as the views' `row_id`: rows with the same are versions of one thing. */
export const rowIdentity = {
  traces: 'trace_id',
  spans: "concat(trace_id, '/', span_id, CASE WHEN is_foreign THEN concat('@', experiment_id) ELSE '' END)",
  assessments: 'assessment_id',
} as const;

/** Order in which the versions of one row are preferred: the first row of each row id is the one the view shows. */
export const rowPreference = {
  // False comes before true: a deletion is the last word on a trace.
  traces: 'deleted_at IS NULL, revision DESC, archived_at DESC',
  spans: 'end_time_unix_nano DESC, size_bytes DESC',
  assessments: 'updated_at DESC, archived_at DESC',
} as const;

/** Columns that the views derive: what follows from another column is not paid for in every row. */
export const derivedColumns = {
  traces: {},
  spans: {
    is_foreign: 'coalesce(is_foreign, false)',
    start_time: 'CAST(from_unixtime(start_time_unix_nano / 1e9) AS timestamp)',
    end_time: 'CASE WHEN end_time_unix_nano > 0 THEN CAST(from_unixtime(end_time_unix_nano / 1e9) AS timestamp) END',
    duration_ms:
      'CASE WHEN end_time_unix_nano > 0 THEN greatest(0, (end_time_unix_nano - start_time_unix_nano) / 1e6) END',
  },
  assessments: {},
} as const satisfies Record<string, Readonly<Record<string, string>>>;
