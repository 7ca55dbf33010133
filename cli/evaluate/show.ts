import type { Assessment } from '../../shared/domain/assessment.ts';
import { csv } from '../csv.ts';
import { tableOrNone, valueText } from '../print.ts';
import type { EvaluatedRow, Summary } from './summarize.ts';

/** A row that could not be read. */
export interface BadRow {
  readonly line: number;
  readonly message: string;
}

export interface Evaluation {
  readonly rows: readonly EvaluatedRow[];
  readonly badRows: readonly BadRow[];
  readonly summaries: readonly Summary[];
}

/** More rows are not read on a terminal. */
const maxShown = 50;

export function toText({ rows, summaries }: Evaluation): string {
  const names = [...new Set(summaries.map(({ name }) => name))];
  const shown = rows
    .slice(0, maxShown)
    .map((row) => [String(row.line), ...names.map((name) => cellOf(row, { name, summaries }))]);
  const more = rows.length > maxShown ? [`(${rows.length - maxShown} more rows: --format csv has all)`] : [];
  return [
    ...(shown.length > 0 ? [tableOrNone(['row', ...names], shown, ''), ...more, ''] : []),
    summaryText(summaries),
  ].join('\n');
}

/** A score, or how the scorer failed; a failure is never a score. */
function cellOf(row: EvaluatedRow, { name, summaries }: { name: string; summaries: readonly Summary[] }): string {
  const found = row.outcomes.flatMap(({ assessments }) => assessments).filter((assessment) => assessment.name === name);
  if (found.length > 0) return found.map(shownValue).join(' ');
  const scorer = summaries.find((summary) => summary.name === name)?.scorer;
  return row.outcomes.some((outcome) => outcome.scorer === scorer && outcome.state === 'held') ? 'held' : '';
}

function shownValue({ value, error }: Assessment): string {
  if (error) return error.code;
  return valueText(value);
}

export function summaryText(summaries: readonly Summary[]): string {
  const columns = ['scorer', 'scored', 'mean', 'pass rate', 'failed', 'held', 'tokens', 'US$', 'values'];
  const rows = summaries.map((summary) => [
    summary.name,
    String(summary.scored),
    summary.mean === undefined ? '' : String(Number(summary.mean.toFixed(4))),
    summary.passRate === undefined ? '' : `${Number((summary.passRate * 100).toFixed(1))} %`,
    String(summary.failed),
    String(summary.held),
    String(summary.tokens),
    summary.usd.toFixed(4),
    Object.entries(summary.values ?? {})
      .map(([value, count]) => `${value} ${count}`)
      .join(', '),
  ]);
  const isShown = (column: number) => column < 2 || rows.some((row) => row[column] !== '');
  const kept = columns.flatMap((_, i) => (isShown(i) ? [i] : []));
  const only = (row: readonly string[]) => kept.map((i) => row[i] ?? '');
  return tableOrNone(only(columns), rows.map(only), 'no scorers');
}

/** Why scorers were not asked, of each the reason that it was first held for. */
export function heldReasons({ rows, summaries }: Evaluation): readonly string[] {
  const outcomes = rows.flatMap((row) => row.outcomes);
  return [...new Set(summaries.map(({ scorer }) => scorer))].flatMap((scorer) => {
    const own = outcomes.filter((outcome) => outcome.scorer === scorer);
    if (own.length === 0 && rows.length > 0) return [`${scorer} judges sessions, and no row is of one`];
    const held = own.filter(({ state }) => state === 'held');
    return held.length === 0 ? [] : [`${scorer} did not judge ${held.length} rows: ${held[0]?.reason}`];
  });
}

export function toJson({ rows, badRows, summaries }: Evaluation): object {
  return {
    results: rows.flatMap(({ line, traceId, outcomes }) =>
      outcomes.map(({ scorer, state, reason, assessments, usd, tokens }) => ({
        ...{ row: line, trace_id: traceId, scorer, state },
        ...(reason !== undefined && { reason }),
        assessments: assessments.map(assessmentJson),
        ...{ usd, tokens },
      })),
    ),
    bad_rows: badRows.map(({ line, message }) => ({ row: line, message })),
    summary: summaries.map(({ passRate, ...summary }) => ({
      ...summary,
      ...(passRate !== undefined && { pass_rate: passRate }),
    })),
  };
}

function assessmentJson({ name, value, error, rationale, spanId, source }: Assessment): object {
  return {
    assessment_name: name,
    ...(error ? { error: { error_code: error.code, error_message: error.message } } : { value }),
    ...(rationale !== undefined && { rationale }),
    ...(spanId !== undefined && { span_id: spanId }),
    source: { source_type: source.type, source_id: source.id },
  };
}

/** RFC 4180, a line for each score, failure, and scorer that was held or had nothing to say. */
export function toCsv({ rows }: Pick<Evaluation, 'rows'>): string {
  const columns = [
    'row',
    'trace_id',
    'scorer',
    'state',
    'name',
    'value',
    'error',
    'rationale',
    'span_id',
    'usd',
    'tokens',
  ];
  const lines = rows.flatMap(({ line, traceId, outcomes }) =>
    outcomes.flatMap(({ scorer, state, reason = '', assessments, usd, tokens }) => {
      const about = [line, traceId, scorer, state];
      if (assessments.length === 0) return [[...about, '', '', reason, '', '', usd, tokens]];
      // What a scorer took is told once.
      return assessments.map(({ name, value, error, rationale, spanId }, i) => [
        ...[...about, name],
        ...[error || value === null ? '' : valueText(value)],
        ...[error ? `${error.code}: ${error.message}` : '', rationale ?? '', spanId ?? ''],
        ...(i === 0 ? [usd, tokens] : [0, 0]),
      ]);
    }),
  );
  return csv(
    columns,
    lines.map((cells) => cells.map(String)),
  );
}
