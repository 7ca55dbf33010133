import type { ArchiveQueries, ArchiveRange, ArchiveRows } from '../domain/backfilling/archived-part.ts';
import type { BackfillScorer } from '../domain/backfilling/backfill.ts';
import { samplingBound, samplingPrefix } from '../domain/sampling.ts';
import {
  assessmentColumns,
  type GlueType,
  partitionColumn,
  rowIdentity,
  rowPreference,
  spanColumns,
  traceColumns,
} from './archive-columns.ts';
import { dayOf } from './trace-item.ts';

/**
 * What a backfill asks the archive, as Athena's SQL. Every text is a literal of its own making; a day more on each side covers clocks that
 * differ, and rows that Firehose wrote after midnight.
 */
export function archiveQueries(database: string): ArchiveQueries {
  return {
    survey: (range, { scorers, mode }) => survey(database, { range, scorers, mode }),
    unload: (range, options) =>
      [
        // UNLOAD is documented for what begins with SELECT.
        `UNLOAD (SELECT kind, trace_id, cells, bucket FROM (${archivedRows(database, { ...options, range })}) AS archived)`,
        `TO ${literal(options.location)}`,
        "WITH (format = 'JSON', compression = 'gzip', partitioned_by = ARRAY['bucket'])",
      ].join('\n'),
  };
}

interface Survey {
  readonly range: ArchiveRange;
  readonly scorers: readonly BackfillScorer[];
  readonly mode: 'missing' | 'all';
}

/** One row: traces of the range, those that no scorer samples, and for each scorer those that it samples and has not judged. */
function survey(database: string, { range, scorers, mode }: Survey): string {
  const wanted = below('found', scorers);
  const counts = [
    'count(*) AS found',
    `${countOf(`NOT (${wanted})`)} AS not_sampled`,
    `coalesce(sum(CASE WHEN ${wanted} THEN span_count END), 0) AS spans`,
    `min(CASE WHEN ${wanted} THEN first_day END) AS first_day`,
    `max(CASE WHEN ${wanted} THEN last_day END) AS last_day`,
    ...scorers.map((scorer, i) => {
      const open = mode === 'missing' ? ` AND judged.by_${i} IS NULL` : '';
      return `${countOf(`${below('found', [scorer])}${open}`)} AS open_${i}`;
    }),
  ];
  return [
    `WITH ${revisions(database, range)}`,
    `SELECT ${counts.join(',\n  ')}`,
    `FROM (SELECT * FROM revisions WHERE ${isFound(range)}) AS found`,
    ...(mode === 'missing' ? [`LEFT JOIN (${judged(database, { range, scorers })}) AS judged`] : []),
    ...(mode === 'missing' ? ['ON judged.trace_id = found.trace_id'] : []),
  ].join('\n');
}

/** Of no rows 0 everywhere; `count_if` of none is null in some engines. */
function countOf(condition: string): string {
  return `count(CASE WHEN ${condition} THEN 1 END)`;
}

/** What was judged on demand alone carries no rate, and is still to be given its weight. */
function judged(database: string, { range, scorers }: Pick<Survey, 'range' | 'scorers'>): string {
  const by = scorers.map(
    ({ name, version }, i) =>
      `max(CASE WHEN scorer_name = ${literal(name)} AND scorer_version = ${version} AND sample_rate IS NOT NULL THEN 1 END) AS by_${i}`,
  );
  const names = [...new Set(scorers.map(({ name }) => literal(name)))].join(', ');
  return [
    `SELECT trace_id, ${by.join(', ')}`,
    `FROM "${database}"."assessments"`,
    `WHERE ${since(range)} AND scorer_name IN (${names})`,
    'GROUP BY trace_id',
  ].join('\n');
}

/** Rows of the three tables that say all of the sampled traces, each as its kind, its trace and its values in the order of `cells`. */
export function archivedRows(
  database: string,
  { range, rows, scorers, buckets }: { range: ArchiveRange } & ArchiveRows,
): string {
  const select = (kind: Kind, of: string) =>
    `SELECT '${kind}' AS kind, ${of}.trace_id AS trace_id, ARRAY[${cells[kind].map((column) => cell(kind, { of, column })).join(', ')}] AS cells, ${bucketOf(of, buckets)} AS bucket`;
  const isWanted = 'trace_id IN (SELECT trace_id FROM wanted)';
  const days = `${partitionColumn} BETWEEN ${literal(shiftedDay(rows.firstDay, -1))} AND ${literal(shiftedDay(rows.lastDay, 1))}`;
  return [
    `WITH ${revisions(database, range, cells.trace)},`,
    `wanted AS (SELECT * FROM revisions WHERE ${isFound(range)} AND ${below('revisions', scorers)})`,
    `${select('trace', 'wanted')}`,
    'FROM wanted',
    'UNION ALL',
    `${select('span', 's')}`,
    `FROM "${database}"."spans" AS s`,
    `WHERE ${days} AND experiment_id = ${literal(range.experimentId)} AND coalesce(is_foreign, false) = false AND ${isWanted}`,
    'UNION ALL',
    `${select('assessment', 'a')}`,
    `FROM "${database}"."assessments" AS a`,
    `WHERE ${since(range)} AND ${isWanted}`,
  ].join('\n');
}

/** The traces table with the rank of each row among those of its trace, and the days on which the trace was archived. */
function revisions(database: string, range: ArchiveRange, more: readonly (keyof typeof traceColumns)[] = []): string {
  const needed = ['trace_id', 'request_time', 'span_count', 'deleted_at'] as const;
  const columns = [...new Set<string>([...needed, ...more])].map((column) => `"${column}"`);
  const of = `PARTITION BY ${rowIdentity.traces}`;
  return [
    'revisions AS (',
    `SELECT ${columns.join(', ')},`,
    `  row_number() OVER (${of} ORDER BY ${rowPreference.traces}) AS row_rank,`,
    `  min(${partitionColumn}) OVER (${of}) AS first_day, max(${partitionColumn}) OVER (${of}) AS last_day`,
    `FROM "${database}"."traces"`,
    `WHERE ${since(range)}`,
    ')',
  ].join('\n');
}

function since({ experimentId, from }: ArchiveRange): string {
  return `${partitionColumn} >= ${literal(shiftedDay(dayOf(from), -1))} AND experiment_id = ${literal(experimentId)}`;
}

function isFound({ from, to }: ArchiveRange): string {
  return `row_rank = 1 AND deleted_at IS NULL AND request_time BETWEEN ${timestamp(from)} AND ${timestamp(to)}`;
}

/** Whether any of the scorers samples the trace. */
function below(of: string, scorers: readonly BackfillScorer[]): string {
  const bound = samplingBound(Math.max(0, ...scorers.map(({ sampleRate }) => sampleRate)));
  return bound === undefined ? 'true' : `${hashOf(of)} < ${literal(bound)}`;
}

/** Traces by digits of the hash that sampling does not look at: the buckets are of one size whatever the rate. */
function bucketOf(of: string, buckets: number): string {
  return `CAST(from_base(substr(${hashOf(of)}, 15, 4), 16) % ${buckets} AS integer)`;
}

/** What `samplingCoordinate` hashes, as hex digits in capitals. */
function hashOf(of: string): string {
  const prefix = Buffer.from(samplingPrefix).toString('hex').toUpperCase();
  return `to_hex(sha256(from_hex('${prefix}') || to_utf8(${of}.trace_id)))`;
}

const tables = { trace: traceColumns, span: spanColumns, assessment: assessmentColumns } as const;

type Kind = keyof typeof tables;

/** The columns of an unloaded row, by what it is. What follows from others is left out: Athena is paid by the byte that it reads. */
export const cells = {
  trace: [
    ...(['trace_id', 'experiment_id', 'revision', 'completeness', 'request_time', 'duration_ms', 'state'] as const),
    ...(['client_request_id', 'tags', 'metadata', 'request_preview', 'response_preview', 'linked_runs'] as const),
    ...(['input_tokens', 'output_tokens', 'total_tokens', 'cache_read_input_tokens'] as const),
    ...(['cache_creation_input_tokens', 'input_cost', 'output_cost', 'total_cost', 'archived_at'] as const),
  ],
  span: [
    ...([
      'trace_id',
      'span_id',
      'parent_span_id',
      'name',
      'kind',
      'start_time_unix_nano',
      'end_time_unix_nano',
    ] as const),
    ...(['status_code', 'status_message', 'inputs', 'inputs_attribute', 'inputs_structured'] as const),
    ...(['outputs', 'outputs_attribute', 'outputs_structured', 'attributes', 'events', 'links'] as const),
    ...(['resource_attributes', 'scope_name', 'scope_version', 'trace_state', 'size_bytes'] as const),
  ],
  assessment: [
    ...(['assessment_id', 'trace_id', 'experiment_id', 'name', 'kind', 'source_type', 'source_id', 'value'] as const),
    ...(['error_code', 'error_message', 'error_stack_trace', 'rationale', 'metadata', 'span_id'] as const),
    ...(['overrides', 'scorer_name', 'scorer_version', 'sample_rate', 'valid'] as const),
    ...(['created_at', 'updated_at', 'archived_at'] as const),
  ],
} satisfies { readonly [K in Kind]: readonly (keyof (typeof tables)[K])[] };

/** As text, so that no reader of the JSON rounds it: times as epoch ms. */
function cell(kind: Kind, { of, column }: { of: string; column: string }): string {
  const types: Readonly<Record<string, GlueType>> = tables[kind];
  const value = `${of}."${column}"`;
  if (types[column] === 'string') return value;
  if (types[column] === 'timestamp') return `CAST(CAST(round(to_unixtime(${value}) * 1000) AS bigint) AS varchar)`;
  return `CAST(${value} AS varchar)`;
}

function shiftedDay(day: string, days: number): string {
  return dayOf(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000);
}

/** Athena's timestamps have milliseconds. */
function timestamp(epochMs: number): string {
  return `TIMESTAMP '${new Date(epochMs).toISOString().slice(0, 23).replace('T', ' ')}'`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
