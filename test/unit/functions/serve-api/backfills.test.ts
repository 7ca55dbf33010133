import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoSliceProgress } from '../../../../shared/adapters/dynamo-slice-progress.ts';
import { nothingDecided, nothingEnded } from '../../../../shared/domain/backfilling/backfill.ts';
import { noon } from '../../../support/builders/a-trace-info.ts';
import { type Api, anExperimentWith, startApi } from './an-api.ts';

const path = '/api/1.0/assay/backfills';
let api: Api;
let experimentId: string;
beforeAll(async () => {
  api = await startApi();
  experimentId = await anExperimentWith(api, 'backfills', ['tone', 'length']);
  const rate = { experiment_id: experimentId, name: 'tone', sample_rate: 0.25 };
  await api.call('PUT', '/api/3.0/mlflow/scorers/online-config', rate);
}, 60_000);
afterAll(() => api.stop());

const start = async (asked: object) => {
  const { status: code, body } = await api.call('POST', path, { experiment_id: experimentId, ...asked });
  return { status: code, body: body as Record<string, never> };
};
const on = (id: string, what: string, body: object = {}) =>
  api.call('POST', `${path}/${id}/${what}`, { experiment_id: experimentId, ...body });
const status = async (id: string) =>
  (await api.call('GET', `${path}/${id}?experiment_id=${experimentId}`)).body.backfill as Record<string, unknown>;

describe('backfills', () => {
  it('are started as the Python client asks, and the same key gives the first one', async () => {
    const body = { scorers: [{ name: 'tone' }], start_time: '2026-05-25T12:00:00.000Z', idempotency_key: 'june' };
    const first = await start(body);
    expect(first.body.backfill_id).toMatch(/^backfill-[0-9a-f]{32}$/);
    expect(first.body.backfill).toMatchObject({
      state: 'planning',
      start_time: '2026-05-25T12:00:00.000Z',
      end_time: new Date(noon).toISOString(),
      mode: 'missing',
      scorers: [{ name: 'tone', version: 1, sample_rate: 0.25 }],
    });
    expect(await start(body)).toEqual(first);
    // Whoever asked first may have died before it started.
    expect(api.started.splice(0)).toEqual([`${first.body.backfill_id}/1`, `${first.body.backfill_id}/1`]);
  });

  it('are told with their counts, paused, resumed and cancelled', async () => {
    const { body } = await start({ scorers: [{ name: 'length', sample_rate: 1 }] });
    const id = String(body.backfill_id);
    const { client, traces } = api.tables;
    const progress = dynamoSliceProgress(client, traces, { retentionDays: 30, now: () => noon });
    const decided = { ...nothingDecided, enqueued: 5, notSampled: 2, alreadyDone: 1 };
    const ended = { ...nothingEnded, judged: 3, failed: 1 };
    await progress.put(id, { sliceId: 0, attempt: 1, decided: [decided], ended: [ended], usd: 0.25, tokens: 12 });
    const counts = { found: 8, judged: 3, failed: 1, pending: 1, not_sampled: 2, already_done: 1, cancelled: 0 };
    expect(await status(id)).toMatchObject({ state: 'planning', counts, cost_usd: 0.25, tokens: 12 });
    expect((await on(id, 'pause')).body.backfill).toMatchObject({ state: 'paused', reason: 'paused by its user' });
    api.started.length = 0;
    const resumed = await on(id, 'resume', { max_cost_usd: 3 });
    expect(resumed.body.backfill).toMatchObject({ state: 'planning', max_cost_usd: 3 });
    expect(api.started).toEqual([`${id}/2`]);
    expect((await on(id, 'cancel')).status).toBe(200);
    expect(await status(id)).toMatchObject({ state: 'cancelled', counts: { ...counts, pending: 0, cancelled: 1 } });
    const { backfills } = (await api.call('GET', `${path}?experiment_id=${experimentId}`)).body;
    expect(backfills).toMatchObject([{ scorers: [{}] }, { scorers: [{}] }]);
  });

  it.each([
    {
      body: { scorers: [{ name: 'X' }] },
      status: 404,
      says: "Scheduled scorer 'X' not found in experiment '1'. Available scorers: ['length', 'tone']",
    },
    { body: { scorers: [{ name: 'tone', sample_rate: 2 }] }, status: 400, says: 'between 0.0 and 1.0, got 2' },
    {
      body: { scorers: [{ name: 'tone' }], start_time: '2026-06-01' },
      status: 400,
      says: 'such as 2026-06-01T00:00:00Z',
    },
    {
      body: { scorers: [{ name: 'tone', sample_rates: 0.1 }] },
      status: 400,
      says: "'scorers[0]' supplied: unknown: sample_rates; expected some of name, version, sample_rate",
    },
    { body: { scorers: [{ name: 'tone' }], dryrun: true }, status: 400, says: 'unknown: dryrun; expected some of exp' },
    { body: { scorers: [{ name: 'tone' }], start_time: 9e15 }, status: 400, says: "'start_time' supplied" },
    { body: { scorers: [{ name: 'tone' }], end_time: 4e12 }, status: 400, says: 'must be past: 2096' },
    { body: { scorers: [{ name: 'tone' }], mode: 'some' }, status: 400, says: "'mode'" },
    { body: { experiment_id: '999', scorers: [{ name: 'tone' }] }, status: 404, says: 'No Experiment with id=999' },
  ])('refuse $body and say why', async ({ body, status: expected, says }) => {
    api.started.length = 0;
    const refused = await start(body);
    expect([refused.status, refused.body.message]).toEqual([expected, expect.stringContaining(says)]);
    expect(api.started).toEqual([]);
  });

  it('are not resumed with what a resumption does not take', async () => {
    const { status: code, body } = await on('none', 'resume', { max_cost: 3 });
    expect([code, body.message]).toEqual([400, expect.stringContaining('unknown: max_cost; expected some of')]);
  });

  it('that are not there are said not to be', async () => {
    const { status: code, body } = await on('none', 'pause');
    expect([code, body.message]).toEqual([404, `Backfill 'none' not found in experiment '${experimentId}'`]);
  });
});
