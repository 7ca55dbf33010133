import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, anExperimentWith, startApi } from './an-api.ts';

const path = '/api/1.0/assay/budgets';
let api: Api;
let experimentId: string;
beforeAll(async () => {
  api = await startApi();
  experimentId = await anExperimentWith(api, 'budgets', ['tone']);
}, 60_000);
afterAll(() => api.stop());

const put = (body: object) => api.call('PUT', path, { experiment_id: experimentId, ...body });
const list = async () => (await api.call('GET', `${path}?experiment_id=${experimentId}`)).body.budgets;
const spent = { usd_today: 0, usd_this_month: 0, tokens_today: 0, tokens_this_month: 0 };

describe('budgets', () => {
  it('of an experiment and of its scorers are set, listed with what is spent, replaced and removed', async () => {
    expect((await put({ usd_per_day: 2.5, tokens_per_month: '1000000' })).body).toEqual({
      budget: {
        ...{ experiment_id: experimentId, usd_per_day: 2.5, tokens_per_month: 1_000_000 },
        ...{ spent, reserved: { usd: 0, tokens: 0 } },
      },
    });
    await put({ scorer_name: 'tone', usd_per_month: 0.000001 });
    await put({ usd_per_day: 3 });
    expect(await list()).toMatchObject([
      { experiment_id: experimentId, usd_per_day: 3, spent },
      { experiment_id: experimentId, scorer_name: 'tone', usd_per_month: 0.000001, spent },
    ]);
    expect(JSON.stringify(await list())).not.toContain('tokens_per_month');
    const removal = { experiment_id: experimentId };
    expect((await api.call('DELETE', path, removal)).status).toBe(200);
    expect(await list()).toMatchObject([{ scorer_name: 'tone' }]);
    const { status, body } = await api.call('DELETE', path, removal);
    expect([status, body.error_code]).toEqual([404, 'RESOURCE_DOES_NOT_EXIST']);
  });

  it.each([
    { body: {}, code: 'INVALID_PARAMETER_VALUE', says: /at least one of usd_per_day/ },
    { body: { usd_per_day: null }, code: 'INVALID_PARAMETER_VALUE', says: /at least one/ },
    { body: { usd_per_day: -1 }, code: 'INVALID_PARAMETER_VALUE', says: /'usd_per_day'/ },
    { body: { usd_per_day: 1e7 }, code: 'INVALID_PARAMETER_VALUE', says: /'usd_per_day'/ },
    { body: { tokens_per_day: 0.5 }, code: 'INVALID_PARAMETER_VALUE', says: /'tokens_per_day'/ },
    { body: { tokens_per_day: -5 }, code: 'INVALID_PARAMETER_VALUE', says: /'tokens_per_day'/ },
    {
      body: { experiment_id: '999', usd_per_day: 1 },
      code: 'RESOURCE_DOES_NOT_EXIST',
      says: /No Experiment with id=999/,
    },
    {
      body: { scorer: 'tone', usd_per_day: 1 },
      code: 'INVALID_PARAMETER_VALUE',
      says: /unknown: scorer; expected some of/,
    },
    { body: { scorer_name: 'nobody', usd_per_day: 1 }, code: 'RESOURCE_DOES_NOT_EXIST', says: /nobody/ },
  ])('refuse $body and say why', async ({ body, code, says }) => {
    const reply = await put(body);
    expect([reply.body.error_code, reply.body.message]).toEqual([code, expect.stringMatching(says)]);
  });

  it('are at most thirty of an experiment', async () => {
    const { budgets } = api.deps;
    const book = await budgets.read(experimentId);
    const many = Array.from({ length: 30 }, (_, i) => ({ id: `x${i}`, scorer: `s${i}`, limits: { tokensPerDay: 1 } }));
    await budgets.replace(book, many);
    const { status, body } = await put({ scorer_name: 'tone', usd_per_day: 1 });
    expect([status, body.message]).toEqual([400, expect.stringContaining('at most 30 budgets')]);
  });
});
