import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadScorers } from '../../../../cli/evaluate/load-scorers.ts';
import { readRows } from '../../../../cli/evaluate/read-rows.ts';
import { UsageError } from '../../../../cli/usage-error.ts';
import { builtinJudge, guidelines, heuristic } from '../../../../sdk/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'assay-scorers-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

const load = (...given: readonly string[]) => loadScorers(given, async () => ({ returned: 'null' }));
const pii = heuristic('pii').serialize('no_pii');

describe('scorers', () => {
  it.each([
    ['one definition', pii],
    ['a list', `[${pii}]`],
    ['what a registration answers', JSON.stringify({ name: 'no_pii', version: 3, serialized_scorer: pii })],
    ['what scorers list writes', JSON.stringify([{ scorer_name: 'no_pii', serialized_scorer: pii }])],
  ])('are read from %s', (_, content) => {
    expect(load(file('scorers.json', content))).toMatchObject([
      { version: { name: 'no_pii', serialized: pii }, scorer: { sourceType: 'CODE' } },
    ]);
  });

  it('are files and names, in their order', () => {
    const judges = file('judges.json', `[${guidelines('be kind').serialize('kind')}]`);
    const code = file('short.js', '(inputs, outputs) => outputs.length < 5');
    const loaded = load('RetrievalGroundedness', code, judges, 'error_free');
    expect(loaded.map(({ version }) => version.name)).toEqual([
      'retrieval_groundedness',
      'short',
      'kind',
      'error_free',
    ]);
    expect(loaded.map(({ scorer }) => 'judge' in scorer)).toEqual([true, false, true, false]);
    expect(load('UserFrustration', 'Safety').map(({ level }) => level)).toEqual(['session', 'trace']);
    expect(loaded[0]?.version.serialized).toBe(
      builtinJudge('RetrievalGroundedness').serialize('retrieval_groundedness'),
    );
  });

  it.each([
    [['nobody'], /--scorers nobody: expected a file.*built-in judge.*Safety/],
    [['regex'], /--scorers regex: expected a file/],
    [['pii', 'pii'], /two scorers are named pii/],
    [['/no/such.json'], /the scorer cannot be read: .*\/no\/such\.json/],
    [[file('text.json', 'pii')], /text\.json is not JSON/],
    [[file('broken.json', `[${pii}, {"name": "y"}]`)], /broken\.json, scorer 2: .*must have one of/],
    [
      [file('library.json', JSON.stringify({ name: 'x', third_party_scorer_data: { module: 'ragas', class: 'X' } }))],
      /x cannot run: ragas/,
    ],
  ])('%j are refused with the reason', (given, says) => {
    expect(() => load(...given)).toThrow(UsageError);
    expect(() => load(...given)).toThrow(says);
  });
});

describe('rows', () => {
  it('are the lines that are not empty, with their numbers', async () => {
    expect(await readRows(file('rows.jsonl', '{}\r\n\n{"a": 1}'))).toEqual([
      { line: 1, text: '{}' },
      { line: 3, text: '{"a": 1}' },
    ]);
  });

  it.each([
    [file('empty.jsonl', '\n'), /has no rows/],
    [file('text.jsonl.gz', 'not packed'), /cannot be read: incorrect header/],
    ['/no/such.jsonl.gz', /cannot be read: ENOENT/],
  ])('of %s are refused', async (name, says) => {
    await expect(readRows(name)).rejects.toThrow(says);
  });
});
