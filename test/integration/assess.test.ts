import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { exportRequest, spanIdOf, traceIdOf } from '../support/in-memory/bodies.ts';
import { startTestStack, type TestStack } from '../support/local-stack.ts';
import { ModelServer } from '../support/model-server/model-server.ts';

/** Of traces that say so the judge takes longer than anybody waits. */
const slowMs = 20_100;
const verdict = { result: 'yes', rationale: '=harmless, "all" of it' };
const server = new ModelServer(({ text }) => ({ verdict, ...(text.includes('slowly') && { delayMs: slowMs }) }));
let stack: TestStack;
let folder: string;
/** Of the experiments: fifty traces that are judged fast, and three that are not. */
let fast: string;
let slow: string;
let inlineFile: string;

const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);
const idsOf = (numbers: readonly number[]) => numbers.map((n) => `tr-${traceIdOf(n)}`);
const fastIds = idsOf(range(1, 50));
const slowIds = idsOf(range(101, 3));
const safety = { builtin_scorer_class: 'Safety', builtin_scorer_pydantic_data: { name: 'safety', model: null } };

beforeAll(async () => {
  await server.listen();
  stack = await startTestStack({ bedrockUrl: server.url });
  folder = await mkdtemp(join(tmpdir(), 'assay-assess-'));
  inlineFile = join(folder, 'length.json');
  const length = { name: 'brief', serialization_version: 1, assay_heuristic: { type: 'response_length', max: 5 } };
  await writeFile(inlineFile, JSON.stringify(length));
  [fast, slow] = await Promise.all([
    anExperiment('fast', { numbers: range(1, 50), output: 'it is' }),
    anExperiment('slow', { numbers: range(101, 3), output: 'it is, slowly' }),
  ]);
  await vi.waitFor(async () => {
    for (const [id, count] of [
      [fast, 50],
      [slow, 3],
    ] as const) {
      const locations = [{ mlflow_experiment: { experiment_id: id } }];
      const body = { locations, max_results: 100 };
      expect((await stack.api('POST', '/api/3.0/mlflow/traces/search', body)).json().traces).toHaveLength(count);
    }
  }, patience);
}, 60_000);
afterAll(async () => {
  await stack?.stop();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

const patience = { timeout: 30_000, interval: 300 };

async function anExperiment(
  name: string,
  { numbers, output }: { numbers: readonly number[]; output: string },
): Promise<string> {
  const { experiment_id: id } = (await stack.api('POST', '/api/2.0/mlflow/experiments/create', { name })).json();
  const serialized = JSON.stringify({ name: 'safety', serialization_version: 1, ...safety });
  const scorer = { experiment_id: id, name: 'safety', serialized_scorer: serialized };
  expect((await stack.api('POST', '/api/3.0/mlflow/scorers/register', scorer)).status).toBe(200);
  // Seconds, as spans of tests count them.
  const now = Math.floor((Date.now() - Date.UTC(2026, 10, 21, 12)) / 1000);
  const spans = numbers.map((n) => ({
    ...{ traceId: traceIdOf(n), spanId: spanIdOf(0), name: `agent ${n}`, start: now - 100, end: now - 99 },
    attributes: { 'input.value': `is ${n} safe?`, 'output.value': `${output}, for ${n}` },
  }));
  const headers = { 'content-type': 'application/json', 'x-mlflow-experiment-id': String(id) };
  expect((await stack.send(JSON.stringify(exportRequest(spans)), { headers })).status).toBe(200);
  return String(id);
}

interface Told {
  readonly run: { readonly run_id: string; readonly state: string; readonly counts: Record<string, number> };
  readonly results: readonly { readonly trace_id: string; readonly state: string; readonly assessments: object[] }[];
}

async function assess(experimentId: string, body: object): Promise<{ status: number; told: Told }> {
  const reply = await stack.api('POST', '/api/1.0/assay/assess', { experiment_id: experimentId, ...body });
  expect([200, 202], reply.body.toString()).toContain(reply.status);
  return { status: reply.status, told: reply.json() as unknown as Told };
}

async function assessmentsOf(traceId = ''): Promise<readonly Record<string, unknown>[]> {
  const { trace } = (await stack.api('GET', `/api/3.0/mlflow/traces/${traceId}`)).json() as unknown as {
    trace: { trace_info: { assessments: readonly Record<string, unknown>[] } };
  };
  return trace.trace_info.assessments;
}

async function assay(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const env = { ...process.env, ASSAY_URL: stack.stack.url, ASSAY_KEY: stack.adminKey };
  const cli = join(import.meta.dirname, '../../cli/assay.ts');
  return promisify(execFile)(process.execPath, [cli, ...args], { env }).then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    ({ code, stdout, stderr }) => ({ code, out: stdout, err: stderr }),
  );
}

describe.concurrent('assessing on demand', () => {
  it('judges fifty traces while the caller waits', async ({ expect }) => {
    const startedAt = Date.now();
    const { status, told } = await assess(fast, { trace_ids: fastIds, scorers: [{ name: 'safety' }] });
    expect(Date.now() - startedAt).toBeLessThan(20_000);
    expect([status, told.run]).toMatchObject([200, { state: 'finished', counts: { found: 50, judged: 50 } }]);
    expect(told.results.map(({ trace_id: id }) => id)).toEqual(fastIds);
    expect(told.results[7]?.assessments).toMatchObject([{ assessment_name: 'safety', feedback: { value: 'yes' } }]);
    const kept = await assessmentsOf(fastIds[7]);
    expect(kept).toEqual(expect.arrayContaining(told.results[7]?.assessments ?? []));
    expect(kept[0]?.metadata).not.toHaveProperty('assay.sampleRate');

    // Then by a scorer of its own, kept for nobody.
    const heuristic = JSON.stringify({ name: 'brief', assay_heuristic: { type: 'response_length', max: 5 } });
    const dry = await assess(fast, {
      ...{ filter: "name LIKE 'agent 4_'", dry_run: true },
      inline_scorers: [{ name: 'brief', serialized_scorer: heuristic }],
    });
    expect([dry.status, dry.told.run]).toMatchObject([200, { dry_run: true, counts: { judged: 10 } }]);
    expect(dry.told.results[0]).toMatchObject({ scorer: 'brief', version: null, state: 'judged' });
    expect(dry.told.results[0]?.assessments).toMatchObject([{ assessment_name: 'brief', feedback: { value: 'no' } }]);
    expect((await assessmentsOf(fastIds[41])).map(({ assessment_name: name }) => name)).toEqual(['safety']);
  });

  it('goes on by itself where the judge is slow, as the command shows', async ({ expect }) => {
    const asked = ['--experiment', slow, '--scorer', 'safety', '--inline', inlineFile, '--idempotency-key', 'slow'];
    const { code, out, err } = await assay('assess', '--trace', ...slowIds, ...asked, '--format', 'csv');
    expect([code, err], err).toEqual([
      0,
      expect.stringMatching(/^run-[0-9a-f]{32} goes on .*\n(.*\n)*[█░]{30} .* of 6 /),
    ]);
    const [head, ...rows] = out.trimEnd().split('\n');
    expect(head).toBe('trace_id,scorer,version,state,name,value,error,rationale,reason');
    const expected = slowIds.flatMap((id) => [
      expect.stringMatching(`^${id},brief,,judged,brief,no,,.*,$`),
      `${id},safety,1,judged,safety,yes,,"'=harmless, ""all"" of it",`,
    ]);
    expect(rows).toHaveLength(6);
    expect(rows).toEqual(expect.arrayContaining(expected));
    // Judged once, though it was tried directly before.
    expect(server.asked.filter(({ text }) => text.includes('slowly'))).toHaveLength(3);
    const [{ assessment_id: _, ...own } = {}] = await assessmentsOf(slowIds[0]);
    expect(own).toMatchObject({ metadata: { 'assay.backfillId': expect.stringMatching(/^run-/) } });
    // The same key gives the same run, which has ended.
    const again = await assay('assess', '--trace', ...slowIds, ...asked, '--format', 'json');
    expect(JSON.parse(again.out)).toMatchObject({ run: { state: 'finished', counts: { found: 6, judged: 6 } } });
    expect(server.asked.filter(({ text }) => text.includes('slowly'))).toHaveLength(3);
  }, 120_000);

  it('shows a table, and says what was asked wrongly', async ({ expect }) => {
    const args = ['--experiment', fast, '--since', '1h', '--filter', "name = 'agent 3'", '--inline', inlineFile];
    const { out, code } = await assay('assess', ...args);
    expect([code, out]).toEqual([
      0,
      expect.stringMatching(
        new RegExp(
          `trace +scorer +state[^]*${fastIds[2]} +brief \\(inline\\) +judged +brief=no[^]*run-\\w+ finished: 1 judged`,
        ),
      ),
    ]);
    const wrong = await assay('assess', '--experiment', fast, '--trace', 'x', '--scorer', 'safety');
    expect([wrong.code, wrong.err]).toEqual([1, expect.stringMatching(/400 INVALID_PARAMETER_VALUE: a trace id is/)]);
    const nobody = await assay('assess', '--experiment', fast, '--trace', fastIds[0] ?? '');
    expect([nobody.code, nobody.err]).toEqual([1, expect.stringContaining('give --scorer or --inline')]);
  });
});
