import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { samplingCoordinate } from '../../shared/domain/sampling.ts';
import { exportRequest, spanIdOf, traceIdOf } from '../support/in-memory/bodies.ts';
import { killed, type LocalProcess, startLocalCommand } from '../support/local-command.ts';
import { localCredentials } from '../support/local-credentials.ts';

/** Ten thousand where all is tried; fewer are enough to see that a change has broken it. */
const traces = Number(process.env.ASSAY_BACKFILL_TRACES ?? 2_000);
const days = 60;
const [liveRate, rate] = [0.25, 0.5];
let folder: string;
let stack: LocalProcess;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'assay-test-'));
  await start();
});
afterEach(async () => {
  await killed(stack);
  rmSync(folder, { recursive: true, force: true });
});

async function start(): Promise<void> {
  stack = await startLocalCommand('--port', '0', '--data', folder, '--wait-seconds', '1', '--firehose-seconds', '2');
}

async function call<T>(method: string, path: string, body?: object): Promise<T> {
  const response = await fetch(new URL(path, stack.ready.url), {
    method,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${stack.ready.admin_key}` },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return JSON.parse(text) as T;
}

const u = Array.from({ length: traces }, (_, n) => samplingCoordinate(`tr-${traceIdOf(n)}`));
const below = (limit: number) => u.filter((coordinate) => coordinate < limit).length;

/** A hundred traces a request, spread over the days before now. */
async function sendTraces(): Promise<void> {
  const secondsAgo = (n: number) => 60 + (n * days * 86_400) / traces;
  const since = Date.now() / 1000 - Date.UTC(2026, 10, 21, 12) / 1000;
  const requests = Array.from({ length: traces / 100 }, (_, i) => i);
  const sender = async () => {
    for (let i = requests.shift(); i !== undefined; i = requests.shift()) {
      const numbers = Array.from({ length: 100 }, (_, k) => Number(i) * 100 + k);
      const spans = numbers.map((n) => {
        const start = since - secondsAgo(n);
        return { traceId: traceIdOf(n), spanId: spanIdOf(0), name: 'agent', start, end: start + 1 };
      });
      await call('POST', '/v1/traces', exportRequest(spans));
    }
  };
  await Promise.all([sender(), sender(), sender()]);
}

async function startScorer(name: string): Promise<void> {
  const serialized = JSON.stringify({ name, serialization_version: 1, assay_heuristic: { type: 'error_free' } });
  const scorers = '/api/3.0/mlflow/scorers';
  await call('POST', `${scorers}/register`, { experiment_id: '0', name, serialized_scorer: serialized });
  await call('PUT', `${scorers}/online-config`, { experiment_id: '0', name, sample_rate: liveRate });
}

interface Backfill {
  readonly state: string;
  readonly slices_enqueued?: number;
  readonly counts: Readonly<Record<string, number>>;
}

async function backfillWhen(id: string, isThere: (backfill: Backfill) => boolean): Promise<Backfill> {
  for (;;) {
    const path = `/api/1.0/assay/backfills/${id}?experiment_id=0`;
    const { backfill } = await call<{ backfill: Backfill }>('GET', path);
    if (isThere(backfill)) return backfill;
    await sleep(100);
  }
}

/** What the table holds: traces, and how many assessments each has that has any. */
async function stored(): Promise<{ traces: number; assessments: ReadonlyMap<string, number> }> {
  const client = new DynamoDBClient({ endpoint: stack.ready.endpoint, ...localCredentials });
  const scan = { TableName: stack.ready.outputs.TracesTable, ProjectionExpression: 'pk, sk' };
  const assessments = new Map<string, number>();
  let infos = 0;
  for await (const { Items = [] } of paginateScan({ client }, scan)) {
    for (const { pk, sk } of Items) {
      const [traceId, key] = [pk?.S ?? '', sk?.S ?? ''];
      if (key === 'info') infos++;
      if (key.startsWith('assessment#')) assessments.set(traceId, (assessments.get(traceId) ?? 0) + 1);
    }
  }
  client.destroy();
  return { traces: infos, assessments };
}

/** Until live scoring is over. */
async function isLiveOver(): Promise<void> {
  const { traces: indexed, assessments } = await stored();
  expect([indexed, assessments.size]).toEqual([traces, below(liveRate)]);
}

it(`over ${traces.toLocaleString('en')} traces of sixty days, killed twice, judges each that was missing, once`, async () => {
  await startScorer('errors');
  await sendTraces();
  await vi.waitFor(isLiveOver, { timeout: 240_000, interval: 2_000 });
  // Half of the range is older than what the trace store keeps: the archive is asked about that.
  await fetch(`${stack.ready.endpoint}/_local/flush`, { method: 'POST' });
  const began = await call<{ backfill_id: string }>('POST', '/api/1.0/assay/backfills', {
    experiment_id: '0',
    scorers: [{ name: 'errors', sample_rate: rate }],
    start_time: Date.now() - (days + 1) * 86_400_000,
  });
  const id = began.backfill_id;
  await backfillWhen(id, ({ slices_enqueued: slices = 0 }) => slices > 0);
  await killed(stack);
  await start();
  await backfillWhen(id, ({ counts }) => (counts.judged ?? 0) > 0);
  await killed(stack);
  await start();
  const { state, counts } = await backfillWhen(id, (backfill) => backfill.state !== 'running');
  expect({ state, counts }).toMatchObject({
    state: 'finished',
    counts: {
      found: traces,
      not_sampled: traces - below(rate),
      already_done: below(liveRate),
      judged: below(rate) - below(liveRate),
    },
  });
  const expected = u.flatMap((coordinate, n) => (coordinate < rate ? [[`tr-${traceIdOf(n)}`, 1] as const] : []));
  expect((await stored()).assessments).toEqual(new Map(expected));
}, 400_000);
