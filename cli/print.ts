import { table } from './table.ts';

/** What a command answers: for programs, and for people. */
interface Output {
  readonly json: unknown;
  readonly text: string;
}

export type Print = (output: Output) => void;

/** Without the control characters by which a text that others wrote could steer the terminal; lines stay. */
export function printable(text: string): string {
  return text.replace(/(?!\n)\p{Cc}/gu, '\u{fffd}');
}

/** A score as people read it: texts as they are, the rest as JSON. */
export function valueText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

/** Rows as an aligned table, or a sentence where there is none. */
export function tableOrNone(columns: readonly string[], rows: readonly (readonly string[])[], none: string): string {
  return rows.length > 0 ? table({ columns, rows, indent: 0 }) : none;
}
