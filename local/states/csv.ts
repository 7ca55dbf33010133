import type { ReaderConfig } from './definition.ts';

const delimiters = { COMMA: ',', PIPE: '|', SEMICOLON: ';', SPACE: ' ', TAB: '\t' } as const;

/** Rows as objects of texts by header. Quoting: RFC 4180. */
export function parseCsv(
  text: string,
  { CSVDelimiter = 'COMMA', CSVHeaderLocation, CSVHeaders }: ReaderConfig,
): readonly Readonly<Record<string, string>>[] {
  const rows = rowsOf(text, delimiters[CSVDelimiter]);
  const headers = CSVHeaderLocation === 'GIVEN' ? CSVHeaders : rows.shift();
  return rows.map((row) => Object.fromEntries((headers ?? []).map((header, i) => [header, row[i] ?? ''])));
}

function rowsOf(text: string, delimiter: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let field = '';
  const endRow = () => {
    if (row.length > 0 || field !== '') rows.push([...row, field]);
    row = [];
    field = '';
  };
  for (let i = 0; i < text.length; i++) {
    const character = text[i] as string;
    if (character === '"') {
      const { value, end } = quoted(text, i);
      field += value;
      i = end;
    } else if (character === delimiter) {
      row.push(field);
      field = '';
    } else if (character === '\n') endRow();
    else if (character !== '\r') field += character;
  }
  endRow();
  return rows;
}

function quoted(text: string, start: number): { value: string; end: number } {
  let value = '';
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] !== '"') value += text[i];
    else if (text[i + 1] !== '"') return { value, end: i };
    else value += text[++i];
  }
  return { value, end: text.length };
}
