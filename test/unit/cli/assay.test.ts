import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { javascript } from '../../../sdk/index.ts';
import { createScorer } from '../../../shared/contracts/serialized-scorer.ts';

type Body = Record<string, unknown>;
interface Asked {
  readonly what: string;
  readonly body: Body;
}

/** What a deployment answers, by `METHOD /path` of its API or by operation of AWS. */
let replies: Record<string, unknown>;
let asked: Asked[];
let server: Server;
let url: string;

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const operation = request.headers['x-amz-target']?.toString().split('.').at(-1);
    const what = operation ?? `${request.method} ${request.url?.split('?')[0]}`;
    const sent = await text(request);
    asked.push({ what, body: sent === '' ? {} : JSON.parse(sent) });
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(replies[what] ?? {}));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  asked = [];
  replies = { 'GET /_local/outputs': { RegistryTable: 'registry', Workgroup: 'assay', Database: 'assay' } };
});

const cli = join(import.meta.dirname, '../../../cli/assay.ts');

async function assay(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const env = { PATH, NODE_COMPILE_CACHE, ASSAY_URL: url, ASSAY_KEY: 'key', AWS_ENDPOINT_URL: url };
  const run = promisify(execFile)(process.execPath, [cli, ...args], { env });
  return run.then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    ({ code, stdout, stderr }) => ({ code, out: stdout, err: stderr }),
  );
}

const bodiesOf = (what: string) => asked.filter((request) => request.what === what).map(({ body }) => body);

describe('keys create', () => {
  it('stores the name that it is given, and the hash, never the key', async () => {
    const { out } = await assay('keys', 'create', '--role', 'ingest', '--name', 'my-app', '--experiment', '3', '4');
    const [, put] = bodiesOf('PutItem') as [unknown, { Item: Record<string, { S?: string }> }];
    expect(put.Item.name?.S).toBe('my-app');
    expect(put.Item.pk?.S).toMatch(/^key#[0-9a-f]{64}$/);
    expect(out).toMatch(/^assay_[\w-]{43}\n$/);
    expect(JSON.stringify(put)).not.toContain(out.trim());
  });
});

describe('keys', () => {
  const [one, other] = ['a1b2c3'.padEnd(64, '0'), 'a1b2c3'.padEnd(64, '1')];
  const item = (hash: string, name: string, rest = {}) => ({
    ...{ pk: { S: `key#${hash}` }, sk: { S: 'key' }, v: { N: '1' }, role: { S: 'ingest' }, name: { S: name } },
    ...{ experimentIds: { L: [] }, createdAt: { N: '0' }, ...rest },
  });
  beforeEach(() => {
    replies.Query = { Items: [one, other].map((hash) => ({ pk: { S: 'keys' }, sk: { S: hash } })) };
    const limits = { experimentIds: { L: [{ S: '3' }, { S: '4' }] }, rateLimit: { N: '100' } };
    replies.BatchGetItem = { Responses: { registry: [item(one, 'my-app', limits), item(other, 'unnamed')] } };
  });
  const removed = () => bodiesOf('DeleteItem').map(({ Key }) => (Key as { pk: { S: string } }).pk.S);

  it('create takes a limit of requests a second, a whole number', async () => {
    await assay('keys', 'create', '--role', 'write', '--rate-limit', '100');
    expect(bodiesOf('PutItem')[1]).toMatchObject({ Item: { role: { S: 'write' }, rateLimit: { N: '100' } } });
    const refused = await assay('keys', 'create', '--role', 'write', '--rate-limit', '0.5');
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('whole number')]);
  });

  it('list shows what each may do, and its hash for people to name it by', async () => {
    const { out } = await assay('keys', 'list');
    expect(out).toMatch(/a1b2c3000000 +my-app +ingest +3 4 +100 +1970/);
    expect(out).toMatch(/a1b2c3111111 +unnamed +ingest +all +- +1970/);
    expect(JSON.parse((await assay('--json', 'keys', 'list')).out)[0]).toMatchObject({ hash: one, rate_limit: 100 });
  });

  it.each(['my-app', 'a1b2c30', 'A1B2C30'])('revoke ends the one key that %s stands for', async (which) => {
    expect((await assay('keys', 'revoke', which)).out).toContain('revoked my-app (a1b2c3000000)');
    expect(removed()).toEqual([`key#${one}`, 'keys']);
  });

  it.each([
    ['a1b2c3', /stands for 2 keys.*a1b2c3000000, a1b2c3111111/],
    ['a1b2', /no key is named "a1b2"/],
    ['nobody', /no key is named "nobody"/],
  ])('revoke of %s ends nothing and says why', async (which, says) => {
    const { code, err } = await assay('keys', 'revoke', which);
    expect([code, err]).toEqual([1, expect.stringMatching(says)]);
    expect(removed()).toEqual([]);
  });
});

describe('scorers', () => {
  const base = '/api/3.0/mlflow/scorers';
  beforeEach(() => {
    const config = { scorer_id: 's-1', sample_rate: 0.5, filter_string: "status = 'OK'" };
    replies[`GET ${base}/get`] = { scorer: { scorer_id: 's-1', scorer_name: 'tone' } };
    replies[`GET ${base}/online-configs`] = { configs: [config] };
    replies[`PUT ${base}/online-config`] = { config };
  });

  it.each([
    { args: ['update', 'tone', '--rate', '0.2'], sent: { sample_rate: 0.2, filter_string: "status = 'OK'" } },
    { args: ['update', 'tone', '--filter', 'x'], sent: { sample_rate: 0.5, filter_string: 'x' } },
    { args: ['update', 'tone', '--no-filter'], sent: { sample_rate: 0.5 } },
    { args: ['stop', 'tone'], sent: { sample_rate: 0, filter_string: "status = 'OK'" } },
  ])('$args keeps what it does not name', async ({ args, sent }) => {
    expect(await assay('scorers', ...args)).toMatchObject({ code: 0, err: '' });
    expect(bodiesOf(`PUT ${base}/online-config`)).toEqual([{ experiment_id: '0', name: 'tone', ...sent }]);
  });

  it('list shows what state each is in, and why it is paused', async () => {
    const names = ['active', 'halted', 'paused', 'new'];
    replies[`GET ${base}/list`] = {
      scorers: names.map((name) => ({ scorer_name: name, scorer_version: 3, scorer_id: name })),
    };
    const paused = 'ragas is a Python library';
    replies[`GET ${base}/online-configs`] = {
      configs: [
        { scorer_id: 'active', sample_rate: 0.1, filter_string: "status = 'OK'" },
        { scorer_id: 'halted', sample_rate: 0, paused },
        { scorer_id: 'paused', sample_rate: 0.5, paused },
      ],
    };
    const { out } = await assay('scorers', 'list');
    expect(out).toMatch(/scorer +version +state +rate +filter +why paused/);
    expect(out).toMatch(/active +3 +active +10 % +status = 'OK'\n/);
    expect(out).toMatch(/halted +3 +stopped +0 %\n/);
    expect(out).toMatch(/paused +3 +paused +50 % +ragas is a Python library/);
    expect(out).toMatch(/new +3 +registered\n/);
  });

  it('delete takes all versions, or the one that is named', async () => {
    expect((await assay('scorers', 'delete', 'tone')).out).toBe('deleted tone\n');
    expect((await assay('scorers', 'delete', 'tone', '--version', '2')).out).toBe('deleted tone version 2\n');
    expect(bodiesOf(`DELETE ${base}/delete`)).toEqual([
      { experiment_id: '0', name: 'tone' },
      { experiment_id: '0', name: 'tone', version: 2 },
    ]);
    expect((await assay('scorers', 'delete', 'tone', '--version', 'all')).code).toBe(1);
  });

  it('register takes code: a function in a file, or one in Lambda', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'assay-cli-'));
    const file = join(folder, 'short.js');
    writeFileSync(file, '(inputs, outputs) => outputs.length < 100');
    replies[`POST ${base}/register`] = { version: 1 };
    expect((await assay('scorers', 'register', 'short', '--javascript', file)).out).toBe(
      'registered short version 1\n',
    );
    await assay('scorers', 'register', 'own', '--function', 'assay-scorer-own');
    rmSync(folder, { recursive: true });
    const sent = bodiesOf(`POST ${base}/register`) as { serialized_scorer: string }[];
    expect(sent.map(({ serialized_scorer }) => JSON.parse(serialized_scorer).assay_code)).toEqual([
      { language: 'javascript', source: '(inputs, outputs) => outputs.length < 100' },
      { language: 'lambda', function: 'assay-scorer-own' },
    ]);
  });

  it.each([
    [
      ['--judge', 'Safety', '--model', 'openai:/gpt-4o-mini'],
      { name: 'mine', level: 'trace', model: 'openai:/gpt-4o-mini' },
    ],
    [['--judge', 'ToolCallCorrectness', '--set', 'should_exact_match=true'], { level: 'trace' }],
    [['--judge', 'UserFrustration'], { level: 'session' }],
    [['--guideline', 'be polite', 'be short'], { level: 'trace' }],
    [['--instructions', 'How good are {{ outputs }}?', '--result', 'good,so so,bad'], { level: 'trace' }],
    [['--instructions', 'Was it solved? {{ conversation }}', '--result', 'boolean'], { level: 'session' }],
    [['--prompt', 'Is {{ outputs }} [[polite]] or [[rude]]?', '--set', 'polite=1', 'rude=0'], { level: 'trace' }],
  ])('register %j is a judge', async (args, judge) => {
    replies[`POST ${base}/register`] = { version: 1 };
    expect(await assay('scorers', 'register', 'mine', ...args)).toMatchObject({ code: 0, err: '' });
    const [{ serialized_scorer: serialized }] = bodiesOf(`POST ${base}/register`) as [{ serialized_scorer: string }];
    expect(createScorer({ serialized })).toMatchObject({ judge });
  });

  it('update says what to give where nothing is', async () => {
    expect(await assay('scorers', 'update', 'tone')).toMatchObject({ code: 1, err: expect.stringMatching(/--rate/) });
  });
});

describe('backfill', () => {
  const path = '/api/1.0/assay/backfills';
  const counts = { found: 100, filtered: 0, not_sampled: 60, already_done: 5, incomplete: 0, failed: 1 };
  const others = { held: 0, cancelled: 0, deleted: 0 };
  const aBackfill = (given: object) => ({
    backfill_id: 'b1',
    start_time: '2026-06-01T00:00:00.000Z',
    end_time: '2026-07-01T00:00:00.000Z',
    plan: { traces: 200, slices: 4 },
    scorers: [
      {
        ...{ name: 'tone', version: 2, sample_rate: 0.4 },
        predicted: { evaluations: 80, tokens: 64_000, cost_usd: 0.08 },
        counts: { ...counts, ...others, judged: 34, pending: 0 },
      },
    ],
    counts: { ...counts, ...others, judged: 14, pending: 20 },
    ...{ cost_usd: 0.014, tokens: 11_200, seconds_left: 90 },
    ...given,
  });

  it('start asks for scorers with their versions and rates, over a range', async () => {
    replies[`POST ${path}`] = { backfill_id: 'b1', backfill: { backfill_id: 'b1', state: 'planning' } };
    replies[`GET ${path}/b1`] = { backfill: aBackfill({ state: 'running' }) };
    const scorers = ['--scorer', 'tone', 'safety@2=0.5', 'length=1'];
    const limits = ['--filter', "status = 'OK'", '--max-cost-usd', '2.5', '--idempotency-key', 'june'];
    const { out } = await assay(
      'backfill',
      'start',
      '--experiment',
      '3',
      ...scorers,
      '--from',
      '2026-06-01',
      ...limits,
    );
    expect(bodiesOf(`POST ${path}`)).toEqual([
      {
        experiment_id: '3',
        scorers: [
          { name: 'tone' },
          { name: 'safety', version: 2, sample_rate: 0.5 },
          { name: 'length', sample_rate: 1 },
        ],
        ...{ start_time: '2026-06-01T00:00:00.000Z', filter: "status = 'OK'", mode: 'missing' },
        ...{ max_cost_usd: 2.5, idempotency_key: 'june' },
      },
    ]);
    expect(out).toContain('tone v2 at 0.4: about 80 evaluations, 64000 tokens, about US$ 0.0800');
    expect(out).toMatch(/scorer +found +not sampled +already done +judged +failed\n/);
    expect(out).toMatch(/tone +100 +60 +5 +34 +1\n/);
  });

  it('start takes a range that began so long ago', async () => {
    replies[`POST ${path}`] = { backfill_id: 'b1', backfill: { backfill_id: 'b1', state: 'planning' } };
    replies[`GET ${path}/b1`] = { backfill: aBackfill({ state: 'running' }) };
    await assay('backfill', 'start', '--scorer', 'tone', '--from', '30d');
    const [body] = bodiesOf(`POST ${path}`);
    expect(Math.abs(Date.now() - 30 * 86_400_000 - Date.parse(String(body?.start_time)))).toBeLessThan(30_000);
  });

  it('start leaves it to the API to know a scorer by a name that ends like a rate that is none', async () => {
    replies[`POST ${path}`] = { backfill_id: 'b1', backfill: { backfill_id: 'b1', state: 'planning' } };
    replies[`GET ${path}/b1`] = { backfill: aBackfill({ state: 'running' }) };
    await assay('backfill', 'start', '--scorer', 'tone=0.5.5', 'mood=.5');
    expect(bodiesOf(`POST ${path}`)).toMatchObject([
      { scorers: [{ name: 'tone=0.5.5' }, { name: 'mood', sample_rate: 0.5 }] },
    ]);
  });

  it.each([
    [{ evaluations: 80, basis: 'unknown' }, 'about 80 evaluations, cost unknown (no judge has been asked here lately)'],
    [
      { evaluations: 80, tokens: 9, basis: 'scorer' },
      '80 evaluations, 9 tokens, cost unknown (its model has no known price)',
    ],
    [{ evaluations: 80, basis: 'no_model' }, 'about 80 evaluations, no model is asked'],
  ])('says of %j why its cost is not known', async (predicted, says) => {
    const scorers = [{ name: 'tone', version: 2, sample_rate: 0.4, predicted }];
    replies[`GET ${path}/b1`] = { backfill: aBackfill({ state: 'planned', scorers }) };
    expect((await assay('backfill', 'status', 'b1')).out).toContain(says);
  });

  it('start of a dry run shows no bar: its plan is all there is', async () => {
    replies[`POST ${path}`] = { backfill_id: 'b1', backfill: { backfill_id: 'b1', state: 'planning' } };
    replies[`GET ${path}/b1`] = { backfill: aBackfill({ state: 'planned', seconds_left: 0 }) };
    const { out, err } = await assay('backfill', 'start', '--scorer', 'tone', '--dry-run');
    expect(out).toMatch(/^b1 {2}planned/);
    expect(err).not.toMatch(/[█░]|left/);
  });

  it('status --watch shows a bar until the end, and then what became of every trace', async () => {
    replies[`GET ${path}/b1`] = { backfill: aBackfill({ state: 'running' }) };
    const watching = assay('backfill', 'status', 'b1', '--watch');
    for (const deadline = Date.now() + 10_000; bodiesOf(`GET ${path}/b1`).length < 2 && Date.now() < deadline; )
      await new Promise((resolve) => setTimeout(resolve, 20));
    replies[`GET ${path}/b1`] = { backfill: aBackfill({ state: 'paused', reason: 'by hand' }) };
    const { out, err } = await watching;
    expect(err).toContain(`${'█'.repeat(12)}${'░'.repeat(18)}  40 %  14 judged, 1 failed  US$ 0.0140  2 min left`);
    expect(err).toMatch(/^b1 goes on without this command/);
    expect(out).toMatch(/^b1 {2}paused \(by hand\) {2}2026-06-01/);
  });

  it('list, pause, resume and cancel say what a backfill is now', async () => {
    replies[`GET ${path}`] = { backfills: [aBackfill({ state: 'finished' })] };
    expect((await assay('backfill', 'list')).out).toMatch(/b1 +finished +tone v2 at 0\.4 +2026-06-01/);
    for (const what of ['pause', 'resume', 'cancel'])
      replies[`POST ${path}/b1/${what}`] = { backfill: aBackfill({ state: `${what}d` }) };
    expect((await assay('backfill', 'pause', 'b1', '--experiment', '3')).out).toBe('b1 is paused\n');
    expect((await assay('backfill', 'resume', 'b1', '--max-cost-usd', '9')).out).toContain('resumed');
    expect((await assay('backfill', 'cancel', 'b1')).out).toContain('cancel');
    expect(bodiesOf(`POST ${path}/b1/pause`)).toEqual([{ experiment_id: '3' }]);
    expect(bodiesOf(`POST ${path}/b1/resume`)).toEqual([{ experiment_id: '0', max_cost_usd: 9 }]);
  });

  it.each([
    [['--from', 'june'], /such as 7d or 24h, or a time such as 2026-06-01/],
    [['--from', '7'], /such as 7d/],
    [['--to', 'june 7'], /such as 7d/],
    [['--max-cost-usd', 'much'], /expected a number/],
  ])('start %s says what is wrong', async (args, says) => {
    expect(await assay('backfill', 'start', '--scorer', 'tone', ...args)).toMatchObject({
      code: 1,
      err: expect.stringMatching(says),
    });
    expect(asked).toEqual([]);
  });
});

describe('budgets', () => {
  const path = '/api/1.0/assay/budgets';
  const spent = { usd_today: 0.75, usd_this_month: 3, tokens_today: 5_000, tokens_this_month: 90_000 };
  const budget = { experiment_id: '3', scorer_name: 'tone', usd_per_day: 2, tokens_per_month: 100_000, spent };

  it('set sends the limits that are given, and shows what is left of each', async () => {
    replies[`PUT ${path}`] = { budget };
    const args = ['--experiment', '3', '--scorer', 'tone', '--usd-per-day', '2', '--tokens-per-month', '100000'];
    const { out } = await assay('budgets', 'set', ...args);
    const sent = { experiment_id: '3', scorer_name: 'tone', usd_per_day: 2, tokens_per_month: 100_000 };
    expect(bodiesOf(`PUT ${path}`)).toEqual([sent]);
    expect(out).toMatch(/tone +US\$ 2.0000 a day +US\$ 0.7500 +US\$ 1.2500/);
    expect(out).toMatch(/tone +100,000 tokens a month +90,000 tokens +10,000 tokens/);
  });

  it('list and remove name whose they are', async () => {
    replies[`GET ${path}`] = { budgets: [] };
    expect((await assay('budgets', 'list', '--experiment', '3')).out).toContain('experiment 3 has no budgets');
    expect((await assay('budgets', 'remove', '--scorer', 'tone')).out).toContain('removed the budget of tone');
    expect(bodiesOf(`DELETE ${path}`)).toEqual([{ experiment_id: '0', scorer_name: 'tone' }]);
  });

  it.each([
    [['set'], /at least one of --usd-per-day/],
    [['set', '--usd-per-day', '-1'], /0 or above/],
  ])('%s says what to give', async (args, says) => {
    expect(await assay('budgets', ...args)).toMatchObject({ code: 1, err: expect.stringMatching(says) });
  });
});

describe('sql', () => {
  const columns = (...names: string[]) => ({ ColumnInfo: names.map((Name) => ({ Name, Type: 'varchar' })) });
  const rows = (...values: string[]) => values.map((VarCharValue) => ({ Data: [{ VarCharValue }] }));
  beforeEach(() => {
    replies.ListNamedQueries = { NamedQueryIds: ['q'] };
    replies.BatchGetNamedQuery = { NamedQueries: [{ Name: 'view', QueryString: 'SELECT 1' }] };
    replies.StartQueryExecution = { QueryExecutionId: 'e' };
    replies.GetQueryExecution = { QueryExecution: { Status: { State: 'SUCCEEDED' } } };
  });

  // Athena repeats the names as the first row of a SELECT, and not of SHOW or DESCRIBE.
  it.each([
    ['SELECT', rows('tab_name', 'traces', 'spans')],
    ['SHOW TABLES', rows('traces', 'spans')],
  ])('shows every row of a %s', async (sql, Rows) => {
    replies.GetQueryResults = { ResultSet: { Rows, ResultSetMetadata: columns('tab_name') } };
    const { out } = await assay('--json', 'sql', sql);
    expect(JSON.parse(out)).toEqual([{ tab_name: 'traces' }, { tab_name: 'spans' }]);
  });
});

describe('what a trace says', () => {
  it('reaches the terminal without control characters', async () => {
    const trace_info = {
      trace_id: 'tr-1',
      tags: {},
      trace_metadata: {},
      assessments: [],
      request_preview: 'a\u001b]0;title\u0007b\u009b2J',
    };
    replies['GET /api/3.0/mlflow/traces/get'] = { trace: { trace_info, spans: [] } };
    const { out } = await assay('traces', 'get', 'tr-1');
    expect(out).toMatch(/request {3}a.*title.*b/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });
});

describe('a mistake of the user', () => {
  it.each([
    { args: ['scorers', 'register', 'x', '--file', '/no/such.json'], says: /\/no\/such\.json/ },
    {
      args: ['scorers', 'register', 'x', '--instructions', '{{ inputs }}', '--result', 'good'],
      says: /choices as in good,bad/,
    },
    { args: ['scorers', 'register', 'x', '--heuristic', 'pii', '--function', 'f'], says: /give one of --judge/ },
    { args: ['--url', 'nonsense', 'traces', 'list'], says: /nonsense.*is no URL/ },
    { args: ['traces', 'list', '--limit', 'many'], says: /whole number/ },
  ])('ends in one line that says so: $args', async ({ args, says }) => {
    const { code, err } = await assay(...args);
    expect([code, err]).toEqual([1, expect.stringMatching(says)]);
    expect(err).not.toMatch(/\n\s+at /);
  });

  it('is told of what AWS refuses, without the stack of the program', async () => {
    replies.ListNamedQueries = { NamedQueryIds: [] };
    const { code, err } = await assay('sql', 'SELECT 1');
    expect([code, err]).toEqual([1, expect.stringMatching(/^assay: workgroup assay has no stored queries/)]);
  });
});

describe('traces', () => {
  it('list shows an expectation that is a list or a map, which travels as JSON text', async () => {
    const expectation = { serialized_value: { serialization_format: 'JSON_FORMAT', value: '["red","blue"]' } };
    const assessments = [{ assessment_name: 'colours', expectation }];
    const info = { trace_id: 'tr-1', state: 'OK', execution_duration: '1s', request_time: '2026-06-01T00:00:00Z' };
    replies['POST /api/3.0/mlflow/traces/search'] = { traces: [{ ...info, tags: {}, assessments }] };
    expect((await assay('traces', 'list')).out).toContain('colours=["red","blue"]');
  });
});

describe('explain', () => {
  const traceId = `tr-${'ab'.repeat(16)}`;
  const scorers = [
    { scorer_name: 'tone', scorer_version: 2, state: 'not_sampled', explanation: 'the trace is not in its sample' },
    { scorer_name: 'late', state: 'not_registered', explanation: 'it was registered after' },
  ];
  beforeEach(() => {
    replies[`GET /api/1.0/assay/traces/${traceId}/explanation`] = {
      trace_id: traceId,
      experiment_id: '3',
      completeness: 'complete',
      sampling_coordinate: 0.3471233801359307,
      decision: { rules_version: 4, decided_at: '2026-11-21T12:00:00.000Z', selected: [] },
      scorers,
    };
  });

  it.each([traceId, 'AB'.repeat(16)])('says of %s why each scorer judged it, or did not', async (id) => {
    const { out } = await assay('explain', id);
    expect(out.split('\n')).toEqual([
      `${traceId}  experiment 3  complete  u = 0.347123  decided 2026-11-21T12:00:00.000Z by rules version 4`,
      '',
      'tone v2  not sampled     the trace is not in its sample',
      'late     not registered  it was registered after',
      '',
    ]);
  });

  it('gives programs what the API says', async () => {
    expect(JSON.parse((await assay('--json', 'explain', traceId, '--scorer', 'tone')).out)).toMatchObject({ scorers });
  });
});

describe('assess', () => {
  const route = '/api/1.0/assay/assess';
  const traceId = `tr-${'ab'.repeat(16)}`;
  const run = {
    ...{ run_id: 'run-1', experiment_id: '3', state: 'finished', dry_run: false, traces: 2, scorers: [{}] },
    ...{ counts: { found: 2, judged: 1, held: 1, pending: 0 }, usd: 0.0021, tokens: 330 },
  };
  const found = { assessment_name: 'tone', feedback: { value: '=1+1' }, rationale: 'two\nlines, "so"' };
  const results = [
    { trace_id: traceId, scorer: 'tone', version: 2, state: 'judged', assessments: [found], usd: 0, tokens: 0 },
    { trace_id: 'tr-2', scorer: 'mine', version: null, state: 'held', reason: '-no money', assessments: [] },
  ];
  const assess = (...args: readonly string[]) => assay('assess', '--experiment', '3', ...args);
  beforeEach(() => {
    replies[`POST ${route}`] = { run, results };
  });

  it('asks for traces by their ids in any spelling, by versions of scorers, and by files', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'assay-assess-'));
    const file = join(folder, 'mine.json');
    const serialized = '{"name": "mine", "assay_heuristic": {"type": "error_free"}}';
    writeFileSync(file, serialized);
    const script = join(folder, 'brief.js');
    writeFileSync(script, '() => true');
    const inline = ['--inline', file, script];
    await assess('--trace', 'AB'.repeat(16), 'tr-2', '--scorer', 'tone@2', 'short', ...inline, '--dry-run');
    rmSync(folder, { recursive: true });
    expect(bodiesOf(`POST ${route}`)).toEqual([
      {
        experiment_id: '3',
        trace_ids: [traceId, 'tr-2'],
        scorers: [{ name: 'tone', version: 2 }, { name: 'short' }],
        inline_scorers: [
          { name: 'mine', serialized_scorer: serialized },
          { name: 'brief', serialized_scorer: javascript('() => true').serialize('brief') },
        ],
        dry_run: true,
        // Sent again where an answer is lost.
        idempotency_key: expect.stringMatching(/^[0-9a-f]{32}$/),
      },
    ]);
  });

  it.each([
    ['7d', 7 * 86_400_000],
    ['24h', 86_400_000],
    ['30m', 1_800_000],
  ])('asks for what is since %s', async (since, agoMs) => {
    await assess('--since', since, '--filter', "status = 'OK'", '--scorer', 'tone');
    const [body] = bodiesOf(`POST ${route}`);
    expect(body).toMatchObject({ filter: "status = 'OK'" });
    expect(Math.abs(Date.now() - agoMs - Date.parse(String(body?.start_time)))).toBeLessThan(30_000);
  });

  it('shows a table, CSV that is no formula, or what the API says', async () => {
    const args = ['--trace', traceId, '--scorer', 'tone'];
    expect((await assess(...args)).out.split('\n')).toEqual([
      expect.stringMatching(/^trace +scorer +state +assessments +because$/),
      expect.stringMatching(/^─/),
      expect.stringMatching(`^${traceId} +tone v2 +judged +tone==1\\+1 +two lines, "so"$`),
      expect.stringMatching(/^tr-2 +mine \(inline\) +held +-no money$/),
      '',
      'run-1 finished: 1 judged, 1 held; US$ 0.0021, 330 tokens',
      '',
    ]);
    expect((await assess(...args, '--format', 'csv')).out).toBe(
      'trace_id,scorer,version,state,name,value,error,rationale,reason\n' +
        `${traceId},tone,2,judged,tone,'=1+1,,"two\nlines, ""so""",\n` +
        "tr-2,mine,,held,,,,,'-no money\n",
    );
    for (const json of [await assess(...args, '--format', 'json'), await assay('--json', 'assess', ...args)])
      expect(JSON.parse(json.out)).toEqual({ run, results });
  });

  it('waits for a run that goes on, with a bar', async () => {
    const going = { ...run, state: 'running', counts: { found: 2, judged: 1, pending: 1 }, seconds_left: 90 };
    replies[`POST ${route}`] = { run: going };
    let pages = 0;
    replies[`GET ${route}/run-1`] = { toJSON: () => (pages++ === 0 ? { run: going, results: [] } : { run, results }) };
    const { out, err } = await assess('--trace', traceId, '--scorer', 'tone');
    expect(err).toMatch(/█{15}░{15} {2}50 % {2}1 of 2 {2}US\$ 0\.0021 {2}2 min left\n/);
    expect(err).toMatch(/^run-1 goes on without this command; "assay backfill" shows, pauses and cancels it\n/);
    expect(out).toMatch(/run-1 finished/);
  });

  it.each([
    [['--trace', traceId], 'give --scorer or --inline'],
    [['--scorer', 'tone'], 'give --trace, or --filter, --since and --until'],
    [['--since', 'june', '--scorer', 'tone'], 'such as 7d or 24h'],
    [['--since', '7', '--scorer', 'tone'], 'such as 7d or 24h'],
    [['--trace', traceId, '--inline', '/no/such.json'], '/no/such.json'],
  ])('refuses %j and says why', async (args, says) => {
    const { code, err } = await assess(...args);
    expect([code, err]).toEqual([1, expect.stringContaining(says)]);
    expect(asked).toEqual([]);
  });
});
