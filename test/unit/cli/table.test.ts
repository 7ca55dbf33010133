import { stripVTControlCharacters, styleText } from 'node:util';
import { describe, expect, test } from 'vitest';
import { table } from '../../../cli/table.ts';

describe('a table', () => {
  test('puts words to the left and figures to the right', () => {
    const text = table({
      columns: ['scorer', 'judged', 'rate'],
      rows: [
        ['pii', '142', '50 %'],
        ['latency', '7', '0.5 %'],
      ],
    });
    expect(text.split('\n')).toEqual([
      '  scorer   judged   rate',
      '  ───────  ──────  ─────',
      '  pii         142   50 %',
      '  latency       7  0.5 %',
    ]);
  });

  test('does not count colours as width', () => {
    const colour = (text: string) => styleText('green', text, { validateStream: false });
    const rows = [
      ['a', colour('✓')],
      ['bb', colour('yes')],
    ];
    const plain = rows.map((row) => row.map(stripVTControlCharacters));
    const columns = ['name', 'ok'];
    expect(stripVTControlCharacters(table({ columns, rows }))).toBe(table({ columns, rows: plain }));
  });

  test('cuts a long cell', () => {
    const [, , line = ''] = table({ columns: ['text'], rows: [['x'.repeat(200)]], indent: 0 }).split('\n');
    expect(line).toBe(`${'x'.repeat(59)}…`);
  });
});
