import { randomUUID } from 'node:crypto';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Backfill,
  builtinJudge,
  type Client,
  createClient,
  heuristic,
  NotFoundError,
  type Scorer,
} from '../../sdk/index.ts';
import { exportRequest, spanIdOf, traceIdOf } from '../support/in-memory/bodies.ts';
import { startTestStack, type TestStack } from '../support/local-stack.ts';

let stack: TestStack;
let client: Client;
let live: Scorer;
beforeAll(async () => {
  stack = await startTestStack();
  client = createClient({ url: stack.stack.url, key: stack.adminKey });
  const tag = { experiment_id: '0', key: 'assay.settleDelaySeconds', value: '0' };
  await client.call('POST', '/api/2.0/mlflow/experiments/set-experiment-tag', tag);
  live = await client
    .scorer(heuristic('response_length', { max: 5 }))
    .register({ name: 'short' })
    .then((s) => s.start({ sampleRate: 1 }));
});
afterAll(() => stack.stop());

/** Seconds after the time that bodies count from. */
const now = (Date.now() - Date.UTC(2026, 10, 21, 12)) / 1000 - 60;

async function sendTrace(n: number, answer: string): Promise<string> {
  const span = {
    ...{ traceId: traceIdOf(n), spanId: spanIdOf(0), name: 'agent', start: now, end: now + 1 },
    attributes: { 'output.value': answer },
  };
  await stack.send(JSON.stringify(exportRequest([span])), { headers: { 'content-type': 'application/json' } });
  return span.traceId;
}

describe('the client', () => {
  it('has a scorer judge traces, and tells what it found, and why', async () => {
    expect(live).toMatchObject({ state: 'active', version: 1, sampleRate: 1 });
    const [long] = await Promise.all([sendTrace(1, 'far too long'), sendTrace(2, 'ok')]);
    await stack.stack.drain();
    const failed = await client.traces.search({ filter: "feedback.short = 'no'" }).toArray();
    expect(failed.map(({ trace_id }) => trace_id)).toEqual([`tr-${long}`]);
    expect(failed[0]?.assessments).toMatchObject([{ assessment_name: 'short', feedback: { value: 'no' } }]);
    const pages = [];
    for await (const page of client.traces.search({ pageSize: 1 }).pages()) pages.push(page.length);
    expect(pages.filter((length) => length > 0)).toEqual([1, 1]);
    const { trace_info, spans } = await client.traces.get(long);
    expect([trace_info.response_preview, spans.map(({ name }) => name)]).toEqual(['far too long', ['agent']]);
    const { scorers } = await client.explain(long, { scorer: 'short' });
    expect(scorers).toMatchObject([{ scorer_name: 'short', state: 'done', assessments: [{ value: 'no' }] }]);
  });

  it('changes a scorer step by step, each of them a value', async () => {
    const judge = await client.scorer(builtinJudge('Safety')).register({ name: 'safe' });
    const started = await judge.start({ sampleRate: 0.2, filter: "status = 'OK'" });
    const more = await started.update({ sampleRate: 0.4 });
    const stopped = await more.stop();
    const next = await stopped.register(builtinJudge('Safety', { model: 'openai:/m' }));
    const states = [judge, started, more, stopped, next].map(({ state, version, sampleRate, filter }) => [
      ...[state, version, sampleRate, filter],
    ]);
    expect(states).toEqual([
      ['registered', 1, 0, undefined],
      ['active', 1, 0.2, "status = 'OK'"],
      ['active', 1, 0.4, "status = 'OK'"],
      ['stopped', 1, 0, "status = 'OK'"],
      ['stopped', 2, 0, "status = 'OK'"],
    ]);
    expect(await next.refresh()).toMatchObject({ version: 2, state: 'stopped' });
    expect((await client.scorers.versions({ name: 'safe' })).map(({ version }) => version)).toEqual([1, 2]);
    await client.scorers.delete({ name: 'safe' });
    expect((await client.scorers.list()).map(({ name }) => name)).toEqual(['short']);
  });

  it('keeps budgets and experiments', async () => {
    const experimentId = await client.experiments.create('from the client');
    expect(await client.experiments.search().toArray()).toContainEqual(
      expect.objectContaining({ experiment_id: experimentId }),
    );
    expect(await client.budgets.set({ experimentId, usdPerDay: 5 })).toMatchObject({ usd_per_day: 5 });
    expect(await client.budgets.list({ experimentId })).toHaveLength(1);
    await client.budgets.remove({ experimentId });
    expect(await client.budgets.list({ experimentId })).toEqual([]);
    await client.health();
  });

  it.each([
    ['NotFoundError', 404, () => client.scorers.get({ name: 'nobody' })],
    ['NotFoundError', 404, () => client.explain('0'.repeat(32))],
    ['InvalidParameterError', 400, () => client.traces.search({ filter: 'what?' }).toArray()],
    ['InvalidParameterError', 400, () => client.scorer(heuristic('none')).register({ name: 'x' })],
    ['InvalidParameterError', 400, () => live.start({ sampleRate: 2 })],
    ['AuthenticationError', 401, () => createClient({ url: stack.stack.url, key: 'wrong' }).scorers.list()],
    ['PermissionDeniedError', 403, async () => (await reader()).scorers.delete({ name: 'short' })],
    ['NotFoundError', 404, () => client.backfills.get('nothing')],
  ] as const)('throws %s, %i, with the code of the API', async (name, status, call) => {
    const thrown = await call().then(
      () => undefined,
      (error) => error,
    );
    expect(thrown).toMatchObject({ name, status, code: expect.stringMatching(/^[A-Z_]+$/) });
  });

  it('plans a backfill, waits for it, and lists it', async () => {
    const seen: string[] = [];
    const planned = await (await startBackfill()).wait({ pollMs: 50, onProgress: ({ state }) => seen.push(state) });
    expect([planned.state, seen.at(-1)]).toEqual(['planned', 'planned']);
    expect(planned.record).toMatchObject({
      dry_run: true,
      plan: { traces: 2 },
      scorers: [{ name: 'short', version: 1 }],
    });
    expect((await client.backfills.list()).map(({ id }) => id)).toContain(planned.id);
    await expect(planned.pause()).rejects.toMatchObject({ name: 'ConflictError', code: 'RESOURCE_CONFLICT' });
  });
});

async function reader(): Promise<Client> {
  return createClient({ url: stack.stack.url, key: await stack.makeKey('read') });
}

/** By the API where it may start executions, else as its documentation says. */
async function startBackfill(): Promise<Backfill> {
  try {
    return await client.backfill({ scorers: [live], dryRun: true });
  } catch (error) {
    if (!(error instanceof NotFoundError && error.code === 'ENDPOINT_NOT_FOUND')) throw error;
  }
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const sfn = new SFNClient({ endpoint: stack.stack.endpoint, region: 'us-east-1', credentials });
  const name = `backfill-${randomUUID().replaceAll('-', '')}`;
  const input = JSON.stringify({ experiment_id: '0', scorers: [{ name: 'short' }], dry_run: true });
  const stateMachineArn = stack.stack.outputs.get('BackfillStateMachine');
  await sfn.send(new StartExecutionCommand({ stateMachineArn, name, input }));
  sfn.destroy();
  for (;;) {
    const found = await client.backfills.get(name).catch(() => undefined);
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
