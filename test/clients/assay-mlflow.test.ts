import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { samplingCoordinate } from '../../shared/domain/sampling.ts';
import { exportRequest, spanIdOf } from '../support/in-memory/bodies.ts';
import { startTestStack, type TestStack } from '../support/local-stack.ts';
import { ModelServer } from '../support/model-server/model-server.ts';
import { traceStore } from '../support/stored-trace.ts';
import { runPython } from './clients.ts';

const model = new ModelServer(() => ({ verdict: { result: 'yes', rationale: 'nothing harmful' } }));
let stack: TestStack;
beforeAll(async () => {
  await model.listen();
  stack = await startTestStack({ bedrockUrl: model.url, waitSeconds: 1 });
}, 120_000);
afterAll(async () => {
  await stack?.stop();
  await model.close();
});

const tests = join(import.meta.dirname, '../../python/assay-mlflow/tests');

describe.each(['assay-mlflow-3.9.0', 'assay-mlflow-3.18.0'])('the package in %s', (environmentName) => {
  it('does what the client refuses by itself: its tests pass', async () => {
    const environment = { ASSAY_URL: stack.stack.url, ASSAY_KEY: stack.adminKey };
    const args = ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', tests];
    const { exitCode, stdout, seconds } = await runPython(environmentName, { args, environment });
    console.log(`${environmentName}: ${seconds.toFixed(0)} s, ${stdout.trim().split('\n').at(-1)}`);
    expect([exitCode, stdout.slice(-4000)]).toEqual([0, expect.anything()]);
  }, 300_000);

  it('has sixty days backfilled, with exactly the assessments that its rates ask for', async () => {
    const { experiment_id } = (
      await stack.api('POST', '/api/2.0/mlflow/experiments/create', { name: `sixty days of ${environmentName}` })
    ).json() as unknown as { experiment_id: string };
    const traceIds = await sendSixtyDays(experiment_id);
    // What is older than the trace store keeps is counted in the archive.
    await stack.stack.flushFirehose();
    await startHeuristic(experiment_id, { name: 'tidy', sampleRate: 0.5 });

    const environment = { MLFLOW_TRACKING_URI: stack.stack.url, MLFLOW_TRACKING_TOKEN: stack.adminKey };
    const args = ['-m', 'backfill_sixty_days', experiment_id, 'tidy'];
    const { exitCode, stdout, stderr } = await runPython(environmentName, { args, environment });
    expect([exitCode, stderr.slice(-4000)]).toEqual([0, expect.anything()]);
    const [safety = '', tidy = ''] = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as string[];
    const below = (rate: number) => traceIds.filter((traceId) => samplingCoordinate(traceId) < rate).toSorted();
    for (const [id, rate] of [
      [safety, 0.8],
      [tidy, 0.5],
    ] as const) {
      const { counts } = await finished(id, experiment_id);
      const judged = below(rate).length;
      expect(counts).toMatchObject({ found: traces, judged, not_sampled: traces - judged, failed: 0, held: 0 });
    }
    expect(await assessedBy('safety', traceIds)).toEqual(below(0.8));
    expect(await assessedBy('tidy', traceIds)).toEqual(below(0.5));
  }, 300_000);
});

const traces = 300;
const dayMs = 86_400_000;

/** Traces that are evenly spread over the last sixty days, and indexed. */
async function sendSixtyDays(experimentId: string): Promise<readonly string[]> {
  const now = (Date.now() - Date.UTC(2026, 10, 21, 12)) / 1000;
  const spans = Array.from({ length: traces }, (_, n) => {
    const start = now - ((n + 1) * 60 * dayMs) / 1000 / traces;
    const attributes = { 'input.value': `is it ${n}?`, 'output.value': 'it is' };
    return {
      traceId: randomBytes(16).toString('hex'),
      spanId: spanIdOf(0),
      name: 'agent',
      start,
      end: start + 1,
      attributes,
    };
  });
  const headers = { 'content-type': 'application/json', 'x-mlflow-experiment-id': experimentId };
  for (let from = 0; from < traces; from += 100) {
    const body = JSON.stringify(exportRequest(spans.slice(from, from + 100)));
    expect((await stack.send(body, { headers })).status).toBe(200);
  }
  await stack.stack.drain();
  return spans.map(({ traceId }) => `tr-${traceId}`);
}

/** Started when the traces are there: what it judges of them, a backfill has had judged. */
async function startHeuristic(
  experiment_id: string,
  { name, sampleRate }: { name: string; sampleRate: number },
): Promise<void> {
  const serialized_scorer = JSON.stringify({
    name,
    serialization_version: 1,
    assay_heuristic: { type: 'error_free' },
  });
  const scorers = '/api/3.0/mlflow/scorers';
  for (const [method, path, body] of [
    ['POST', `${scorers}/register`, { serialized_scorer }],
    ['PUT', `${scorers}/online-config`, { sample_rate: sampleRate }],
  ] as const)
    expect((await stack.api(method, path, { experiment_id, name, ...body })).status).toBe(200);
}

async function finished(id: string, experimentId: string): Promise<{ counts: object }> {
  const path = `/api/1.0/assay/backfills/${id}?experiment_id=${experimentId}`;
  return vi.waitFor(
    async () => {
      const { backfill } = (await stack.api('GET', path)).json() as unknown as {
        backfill: { state: string; counts: object };
      };
      expect(backfill).toMatchObject({ state: 'finished' });
      return backfill;
    },
    { timeout: 120_000, interval: 500 },
  );
}

async function assessedBy(name: string, traceIds: readonly string[]): Promise<readonly string[]> {
  const store = traceStore(stack.stack);
  const records = await Promise.all(traceIds.map(async (traceId) => (await store.read(traceId)).record));
  const found = records.flatMap(({ info, assessments }) =>
    assessments
      .filter((assessment) => assessment.name === name && assessment.error === undefined)
      .map(() => info.traceId),
  );
  return found.toSorted();
}
