import { stripVTControlCharacters } from 'node:util';

export interface TableOptions {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Spaces before each line. */
  readonly indent?: number;
}

/** The longest cell that is shown whole. */
const maxCell = 60;

/** A table in plain text. Columns that hold only numbers stand to the right; colours do not count as width. */
export function table({ columns, rows, indent = 2 }: TableOptions): string {
  const cells = rows.map((row) => row.map(shorten));
  const widths = columns.map((column, i) => Math.max(...[column, ...cells.map((row) => row[i] ?? '')].map(width)));
  const numeric = columns.map((_, i) => cells.length > 0 && cells.every((row) => isNumber(row[i] ?? '')));
  const line = (row: readonly string[]) =>
    ' '.repeat(indent) +
    columns
      .map((_, i) => pad(row[i] ?? '', { to: widths[i] ?? 0, right: numeric[i] }))
      .join('  ')
      .trimEnd();
  return [line(columns), line(widths.map((size) => '─'.repeat(size))), ...cells.map(line)].join('\n');
}

function width(text: string): number {
  return stripVTControlCharacters(text).length;
}

function pad(text: string, { to, right }: { to: number; right: boolean | undefined }): string {
  const space = ' '.repeat(Math.max(0, to - width(text)));
  return right ? space + text : text + space;
}

/** A count, a duration, a share, or nothing. */
function isNumber(text: string): boolean {
  return /^(?:[-–]|-?[\d,.]+(?: ?(?:%|ms|s))?)?$/.test(stripVTControlCharacters(text));
}

function shorten(text: string): string {
  return width(text) > maxCell ? `${text.slice(0, maxCell - 1)}…` : text;
}
