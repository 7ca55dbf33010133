import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { builtinJudge, guidelines, heuristic, instructions, python } from '../../../sdk/index.ts';
import { judgeModels } from '../../../shared/adapters/judge-models.ts';
import { parseRow } from '../../../shared/contracts/data-rows/parse-row.ts';
import { judgeModelsConfig } from '../../../shared/contracts/judge-models-config.ts';
import { createScorer } from '../../../shared/contracts/serialized-scorer.ts';
import { runJudges } from '../../../shared/domain/judging/run-judges.ts';
import { judgingDeps } from '../../support/judging/judge-once.ts';
import { ModelServer } from '../../support/model-server/model-server.ts';
import type { Asked } from '../../support/model-server/script.ts';
import { hasSharedData, sharedRequests } from '../../support/shared-data.ts';

let server: ModelServer;
let folder: string;
beforeAll(async () => {
  server = await new ModelServer().listen();
  folder = mkdtempSync(join(tmpdir(), 'assay-evaluate-'));
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  server.forget();
  providers = {};
});

const cli = join(import.meta.dirname, '../../../cli/assay.ts');

function file(name: string, content: string | Uint8Array): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

const jsonl = (name: string, rows: readonly unknown[]) =>
  file(name, rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n'));

async function assay(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  // No deployment is known, and no account.
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const env = {
    PATH,
    NODE_COMPILE_CACHE,
    OPENAI_API_KEY: 'sk-local',
    OPENAI_BASE_URL: `${server.url}/v1`,
    ...providers,
  };
  return promisify(execFile)(process.execPath, [cli, ...args], { env, maxBuffer: 64 * 1024 * 1024 }).then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    ({ code, stdout, stderr }) => ({ code, out: stdout, err: stderr }),
  );
}

/** Of the environment, beside OpenAI's. */
let providers: Readonly<Record<string, string>> = {};

const rows = [
  { inputs: { question: 'Why?' }, outputs: 'Because it is so.' },
  { inputs: { question: 'Who?' }, outputs: 'Ann, at ann@example.com.', expectations: { expected_response: 'Ann' } },
];

/** A verdict that follows from the material, and from nothing else. */
function verdictOf({ text, schema }: Pick<Asked, 'text' | 'schema'>): {
  verdict: { result: string | boolean; rationale: string };
} {
  const [code = ''] = /(?<=real tags is )\w+/.exec(text) ?? [];
  const material = text.replaceAll(code, '');
  const isGood = material.length % 2 === 0;
  const isBoolean = JSON.stringify(schema).includes('"boolean"');
  return {
    verdict: { result: isBoolean ? isGood : isGood ? 'yes' : 'no', rationale: `${material.length} characters` },
  };
}

// It starts the command again and again.
describe('evaluate', { timeout: 60_000 }, () => {
  it('asks judges, code and heuristics about each row, and sums up', async () => {
    server.script = verdictOf;
    const scorers = [
      guidelines('The answer is polite').serialize('polite'),
      heuristic('response_length', { max: 4, unit: 'words' }).serialize('short'),
      python('return len(outputs)', { signature: '(outputs)' }).serialize('length'),
    ];
    const defined = file('scorers.json', `[${scorers.join(',')}]`);
    const kind = file('kind.js', '(inputs) => inputs.question');
    const data = jsonl('rows.jsonl', rows);
    const { code, out, err } = await assay(
      'evaluate',
      '--data',
      data,
      '--scorers',
      defined,
      kind,
      'pii',
      '--model',
      'openai:/gpt-4.1-mini',
    );
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/row +polite +short +length +kind +pii\n/);
    expect(out).toMatch(/\n +1 +(yes|no) +yes +17 +Why\? +yes\n +2 +(yes|no) +yes +24 +Who\? +no\n/);
    expect(out).toMatch(/\nlength +2 +20\.5 +0 +0 +0 +0\.0000\n/);
    expect(out).toMatch(/\nkind +2 +0 +0 +0 +0\.0000 +Why\? 1, Who\? 1\n/);
    expect(out).toMatch(/\npii +2 +50 % +0 +0/);
    expect(server.asked.map(({ key, model }) => [key, model])).toEqual([
      ['sk-local', 'gpt-4.1-mini'],
      ['sk-local', 'gpt-4.1-mini'],
    ]);
  });

  it('gives programs everything that was found, and CSV', async () => {
    const data = jsonl('rows.jsonl', rows);
    const { out } = await assay('--json', 'evaluate', '--data', data, '--scorers', 'pii', 'exact_match');
    expect(JSON.parse(out)).toMatchObject({
      results: [
        { row: 1, scorer: 'pii', state: 'judged', assessments: [{ assessment_name: 'pii', value: 'yes' }] },
        { row: 1, scorer: 'exact_match', state: 'failed', reason: expect.stringContaining('EXPECTATION') },
        { row: 2, scorer: 'pii', assessments: [{ value: 'no' }] },
        { row: 2, scorer: 'exact_match', assessments: [{ value: 'no' }] },
      ],
      summary: [
        { name: 'pii', scored: 2, pass_rate: 0.5 },
        { scored: 1, failed: 1 },
      ],
      bad_rows: [],
    });
    const csv = await assay('evaluate', '--data', data, '--scorers', 'pii', '--format', 'csv');
    expect(csv.out.split('\n')).toHaveLength(4);
    expect(csv.err).toMatch(/pii +2 +50 %/);
  });

  it('leaves out rows that it cannot read, tells which and why, and goes on', async () => {
    const data = jsonl('bad.jsonl', [rows[0], '{oops', '', { question: '?' }, rows[1]]);
    const { code, out, err } = await assay('evaluate', '--data', data, '--scorers', 'pii');
    expect(code).toBe(1);
    expect(err).toMatch(/^row 2 was left out: it is not JSON: .*\nrow 4 was left out: it has none of inputs/);
    expect(out).toMatch(/\n +1 +yes\n +5 +no\n/);
  });

  it.each([
    ['pii=0.5', 0, ''],
    ['pii=0.6', 1, 'pii is 0.5: at least 0.6 was asked for\n'],
  ])('with --fail-under %s ends with %i', async (threshold, code, err) => {
    const data = jsonl('rows.jsonl', rows);
    const done = await assay('evaluate', '--data', data, '--scorers', 'pii', '--fail-under', threshold);
    expect(done).toMatchObject({ code, err });
  });

  it('does not end well where a scorer could not be asked', async () => {
    const data = jsonl('rows.jsonl', rows);
    const { code, err } = await assay('evaluate', '--data', data, '--scorers', 'Safety', 'pii');
    expect([code, err]).toEqual([1, 'safety did not judge 2 rows: the scorer names no model: give --model\n']);
  });

  it('judges nothing where the key is missing, says so, and keeps no threshold', async () => {
    const data = jsonl('rows.jsonl', rows);
    const { code, out, err } = await assay(
      ...[
        'evaluate',
        '--data',
        data,
        '--scorers',
        'Safety',
        '--model',
        'anthropic:/claude-haiku-4-5',
        '--fail-under',
        'safety=0',
      ],
    );
    expect([code, err]).toEqual([
      1,
      'safety did not judge 2 rows: the environment has no ANTHROPIC_API_KEY\nsafety has no scores: at least 0 was asked for\n',
    ]);
    expect(out).toMatch(/safety +0 +0 +2/);
  });

  it('asks the models that scorers name, each with its key out of the environment', async () => {
    providers = {
      ...{ ANTHROPIC_API_KEY: 'sk-ant', ANTHROPIC_BASE_URL: server.url, AWS_ENDPOINT_URL_BEDROCK_RUNTIME: server.url },
      ...{ AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' },
    };
    const uris = ['openai:/gpt-4.1-mini', 'anthropic:/claude-haiku-4-5', 'bedrock:/amazon.nova-micro-v1:0'];
    const scorers = uris.map((model, i) => builtinJudge('Safety', { model }).serialize(`safe${i}`));
    const data = jsonl('one.jsonl', rows.slice(0, 1));
    const done = await assay('evaluate', '--data', data, '--scorers', file('three.json', `[${scorers}]`));
    expect(done).toMatchObject({ code: 0, err: '' });
    expect(server.asked.map(({ provider, key }) => [provider, key]).sort()).toEqual([
      ['anthropic', 'sk-ant'],
      ['bedrock', expect.any(String)],
      ['openai', 'sk-local'],
    ]);
  });

  it('asks judges of sessions about the rows of each session together, and tells it of the first', async () => {
    server.script = () => ({ verdict: { result: 'resolved', rationale: 'in the end' } });
    const turn = (n: number, session: string, seconds: number) => ({
      resourceSpans: [
        {
          scopeSpans: [
            {
              spans: [
                {
                  ...{ traceId: `${n}`.repeat(32), spanId: `${n}`.repeat(16), name: 'turn' },
                  ...{ startTimeUnixNano: `${seconds}000000000`, endTimeUnixNano: `${seconds + 1}000000000` },
                  attributes: [
                    { key: 'session.id', value: { stringValue: session } },
                    { key: 'input.value', value: { stringValue: `question ${n}` } },
                    { key: 'output.value', value: { stringValue: `answer ${n}` } },
                  ],
                },
              ],
            },
          ],
        },
      ],
    });
    const data = jsonl('sessions.jsonl', [turn(2, 'a', 1_500), turn(1, 'a', 1_000), turn(3, 'b', 1_000), rows[0]]);
    const frustration = ['--scorers', 'UserFrustration', 'pii', '--model', 'openai:/gpt-4.1-mini'];
    const { code, out, err } = await assay('--json', 'evaluate', '--data', data, ...frustration);
    expect([code, err]).toEqual([0, '']);
    const { results, summary } = JSON.parse(out);
    const ofSessions = results.filter(({ scorer }: { scorer: string }) => scorer === 'user_frustration');
    expect(ofSessions.map(({ row }: Found) => row)).toEqual([2, 3]);
    expect(summary).toMatchObject([
      { name: 'user_frustration', scored: 2, values: { resolved: 2 } },
      { name: 'pii', scored: 4 },
    ]);
    expect(server.asked.map(({ text }) => text.match(/question \d/g)).sort()).toEqual([
      ['question 1', 'question 2'],
      ['question 3'],
    ]);
  });

  it('takes models as a stage has them, and spends no more than it may', async () => {
    const config = {
      default: 'gateway:/judge',
      aliases: { 'gateway:/judge': 'own:/gpt-4.1-mini' },
      providers: { own: { api: 'openai', baseUrl: `${server.url}/v1`, secret: null } },
    };
    const models = file('models.json', JSON.stringify({ judgeModels: config }));
    const data = jsonl('rows.jsonl', rows);
    const args = ['evaluate', '--data', data, '--scorers', 'Safety', '--models', models];
    expect((await assay(...args)).out).toMatch(/safety +2 +100 % +0 +0/);
    expect(server.asked.map(({ key }) => key)).toEqual(['', '']);
    server.forget();
    const limited = await assay(...args, '--max-cost-usd', '0.000001');
    expect(limited.err).toMatch(
      /^safety did not judge 2 rows: of the US\$ 0\.000001 that may be spent, not enough is left/,
    );
    expect(server.asked).toEqual([]);
  });

  it.each([
    [['--data', '/no/such.jsonl', '--scorers', 'pii'], /--data \/no\/such\.jsonl cannot be read/],
    [['--data', 'ROWS', '--scorers', 'nobody'], /--scorers nobody: expected a file.*built-in judge/],
    [['--data', 'ROWS', '--scorers', 'pii', '--models', 'BROKEN'], /the models: /],
    [['--data', 'ROWS', '--scorers', 'pii', '--fail-under', 'pii'], /tone=0\.9/],
  ])('%j ends with what is wrong', async (args, says) => {
    const files: Record<string, string> = {
      ROWS: jsonl('rows.jsonl', rows),
      BROKEN: file('broken.json', `[${heuristic('pii').serialize('x')}, {"name": "y"}]`),
    };
    const { code, err } = await assay('evaluate', ...args.map((arg) => files[arg] ?? arg));
    expect([code, err]).toEqual([1, expect.stringMatching(says)]);
    expect(err).not.toMatch(/\n\s+at /);
  });

  it.runIf(hasSharedData)(
    'judges stored traces as run-scorers does: the same questions, and the same answers',
    async () => {
      const shared = sharedRequests().find(({ file: name }) => name.startsWith('airline'))?.requests ?? [];
      const texts = shared.slice(0, 6).map((request) => JSON.stringify(request));
      const definitions = [
        builtinJudge('RelevanceToQuery').serialize('relevant'),
        builtinJudge('ToolCallEfficiency').serialize('efficient'),
        instructions('Was {{ outputs }} a good answer to {{ inputs }}?', { result: 'boolean' }).serialize('good'),
      ];
      server.script = verdictOf;
      // As scorers list writes them.
      const records = definitions.map((text) => ({ scorer_name: JSON.parse(text).name, serialized_scorer: text }));
      const scorers = file('listed.json', JSON.stringify(records));
      const data = file('airline.jsonl.gz', gzipSync(texts.join('\n')));
      const { out } = await assay(
        '--json',
        'evaluate',
        '--data',
        data,
        '--scorers',
        scorers,
        '--model',
        'openai:/gpt-4.1-mini',
      );
      const found = JSON.parse(out).results.map(({ row, assessments: [{ value, rationale }] }: Found) => [
        row,
        value,
        rationale,
      ]);

      const config = judgeModelsConfig.parse({
        default: 'openai:/gpt-4.1-mini',
        providers: { openai: { baseUrl: `${server.url}/v1` } },
      });
      const models = judgeModels(config, {
        bedrock: () => Promise.reject() as never,
        keyOf: () => async () => '',
        now: Date.now,
      })();
      const expected = [];
      for (const [i, text] of texts.entries()) {
        for (const serialized of definitions) {
          const scorer = createScorer({ serialized });
          if (!('judge' in scorer)) throw new Error('no judge');
          const tasks = [{ judge: scorer.judge, scorer: 's', scope: 's' }];
          const deps = { ...judgingDeps({ uri: '', contextTokens: 0, complete: () => Promise.reject() }), models };
          const [outcome] = await runJudges(tasks, { traces: [parseRow(text, { now: 0 })], deps });
          const [result] = outcome && 'results' in outcome ? outcome.results : [];
          expected.push([i + 1, result?.value, result?.rationale]);
        }
      }
      expect(found).toEqual(expected);
      expect(new Set(found.map(([, value]: unknown[]) => value)).size).toBeGreaterThan(2);
    },
  );
});

interface Found {
  readonly row: number;
  readonly assessments: readonly [{ readonly value: unknown; readonly rationale: string }];
}
