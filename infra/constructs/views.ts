import {
  assessmentColumns,
  derivedColumns,
  rowIdentity,
  rowPreference,
  spanColumns,
  traceColumns,
} from '../../shared/contracts/archive-columns.ts';

/** The tables of the archive with what they hold. */
export const archiveTables = {
  traces: traceColumns,
  spans: spanColumns,
  assessments: assessmentColumns,
} as const;

export type ArchiveTable = keyof typeof archiveTables;

/**
 * The view that shows each row once. Firehose delivers at least once, and a trace that grows is archived again: of the rows with one
 * row id the preferred one is shown.
 */
export function currentView(database: string, table: ArchiveTable): string {
  const derived: Readonly<Record<string, string>> = derivedColumns[table];
  const isShown = (column: string) => derived[column] === undefined && column !== 'deleted_at';
  const stored = [...Object.keys(archiveTables[table]), 'dt'].filter(isShown);
  const columns = [
    `${rowIdentity[table]} AS row_id`,
    ...stored.map((column) => `"${column}"`),
    ...Object.entries(derived).map(([column, expression]) => `${expression} AS ${column}`),
  ];
  const rank = `row_number() OVER (PARTITION BY ${rowIdentity[table]} ORDER BY ${rowPreference[table]})`;
  return [
    `CREATE OR REPLACE VIEW "${database}"."${table}_current" AS`,
    `SELECT ${columns.join(',\n  ')}`,
    `FROM (SELECT *, ${rank} AS row_rank FROM "${database}"."${table}") AS ranked`,
    'deleted_at' in archiveTables[table] ? 'WHERE row_rank = 1 AND deleted_at IS NULL' : 'WHERE row_rank = 1',
  ].join('\n');
}

/** Questions that people ask first, over the views. */
export const exampleQueries = {
  'quality-by-scorer-and-day': `SELECT scorer_name, dt, count(*) AS judged, avg(value_number) AS mean, count(error_code) AS failed
FROM assessments_current
WHERE scorer_name IS NOT NULL
GROUP BY scorer_name, dt
ORDER BY dt DESC, scorer_name`,
  'slowest-traces': `SELECT t.trace_id, t.name, t.request_time, t.duration_ms, t.state, t.total_tokens, substr(s.inputs, 1, 200) AS request
FROM traces_current AS t
LEFT JOIN spans_current AS s ON s.trace_id = t.trace_id AND s.parent_span_id IS NULL AND NOT s.is_foreign
ORDER BY t.duration_ms DESC
LIMIT 20`,
  'cost-by-model': `SELECT model, provider, count(*) AS calls, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
  sum(total_cost) AS cost_usd
FROM spans_current
WHERE model IS NOT NULL AND NOT is_foreign
GROUP BY model, provider
ORDER BY cost_usd DESC`,
  'failing-tools': `SELECT tool_name, count(*) AS calls, count_if(tool_failed) AS failed
FROM spans_current
WHERE tool_name IS NOT NULL AND NOT is_foreign
GROUP BY tool_name
ORDER BY failed DESC`,
} as const;
