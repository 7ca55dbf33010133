import type { QueryResult } from '../../cli/archive.ts';
import { table } from '../../cli/table.ts';
import { faint, heading } from './format.ts';

export interface AnsweredQuestion {
  readonly title: string;
  readonly sql: string;
  readonly result: QueryResult;
}

/** SQL and its answers, from Parquet files. */
export function archiveSection(questions: readonly AnsweredQuestion[]): string {
  return [heading('The archive, by SQL'), questions.map(answered).join('\n\n')].join('\n');
}

function answered({ title, sql, result: { columns, rows } }: AnsweredQuestion): string {
  const shown = rows.map((row) => row.map((value) => rounded(value ?? '–')));
  return [`  ${title}`, faint(indent(sql)), table({ columns, rows: shown, indent: 4 })].join('\n');
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
}

/** Three digits after the point say enough of a mean. */
function rounded(text: string): string {
  return /^-?\d+\.\d{4,}(?:E-?\d+)?$/i.test(text) ? String(Math.round(Number(text) * 1000) / 1000) : text;
}
