import { assessmentColumns, rowPreference, spanColumns, traceColumns } from '../../shared/contracts/archive-columns.ts';

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
  const columns = [...Object.keys(archiveTables[table]), 'dt'].map((column) => `"${column}"`).join(', ');
  return [
    `CREATE OR REPLACE VIEW "${database}"."${table}_current" AS`,
    `SELECT ${columns}`,
    `FROM (SELECT *, row_number() OVER (PARTITION BY row_id ORDER BY ${rowPreference[table]}) AS row_rank`,
    `      FROM "${database}"."${table}") AS ranked`,
    'WHERE row_rank = 1',
  ].join('\n');
}

/** Questions that people ask first, over the views. */
export const exampleQueries = {
  'quality-by-scorer-and-day': `SELECT scorer_name, dt, count(*) AS judged, avg(value_number) AS mean, count(error_code) AS failed
FROM assessments_current
WHERE scorer_name IS NOT NULL
GROUP BY scorer_name, dt
ORDER BY dt DESC, scorer_name`,
  'slowest-traces': `SELECT trace_id, name, request_time, duration_ms, state, total_tokens, request_preview
FROM traces_current
ORDER BY duration_ms DESC
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
