import { expect, it } from 'vitest';
import { setBudget } from '../../../../shared/domain/judging/change-budgets.ts';
import { modelGuards } from '../../../../shared/domain/judging/guard-models.ts';
import { judgeBudgets } from '../../../../shared/domain/judging/judge-budgets.ts';
import { JudgeUnavailableError } from '../../../../shared/domain/judging/judge-model.ts';
import { judgePrice } from '../../../../shared/domain/judging/judge-price.ts';
import { answerReuse, type StoredAnswer } from '../../../../shared/domain/judging/reuse-answers.ts';
import { aJudgeAnswer, aJudgeModel, aJudgeRequest } from '../../../support/builders/a-judge-request.ts';
import { noon } from '../../../support/builders/a-trace-info.ts';
import { inMemoryBudgetStore } from '../../../support/in-memory/in-memory-budget-store.ts';

const report = (error: unknown) => expect.fail(String(error));

/** As a function puts them around a model: reuse, then the circuit, then the budget, nearest to the call. */
function anInstance() {
  const kept = new Map<string, StoredAnswer>();
  const store = inMemoryBudgetStore();
  const clock = { now: noon };
  const now = () => clock.now;
  const reuse = answerReuse({
    answers: { get: async (hash) => kept.get(hash), put: async (hash, answer) => void kept.set(hash, answer) },
    now,
    report,
  });
  const board = {
    read: async () => undefined,
    open: async () => {},
    claimProbe: async () => true,
    releaseProbe: async () => {},
    close: async () => {},
  };
  const guard = modelGuards({ board, now, chance: () => 0, maxConcurrency: 50, report });
  const budgets = judgeBudgets({ store, now, priceOf: judgePrice });
  const wrap = (model: ReturnType<typeof aJudgeModel>) =>
    reuse(guard(budgets.paidBy({ experimentId: '7', scorers: ['tone'] }, model)));
  return { wrap, store, clock };
}

it('an answer that is reused costs nothing of an exhausted budget', async () => {
  const { wrap, store } = anInstance();
  await setBudget(store, { experimentId: '7' }, { tokensPerDay: 2_000 });
  const model = wrap(aJudgeModel());
  await model.complete(aJudgeRequest('a'));
  await setBudget(store, { experimentId: '7' }, { tokensPerDay: 0 });
  await expect(model.complete(aJudgeRequest('b'))).rejects.toMatchObject({ name: 'BudgetExhaustedError' });
  expect(await model.complete(aJudgeRequest('a'))).toEqual({ ...aJudgeAnswer(), cached: true });
});

it('a budget that is exhausted is no failure of the model', async () => {
  const { wrap, store, clock } = anInstance();
  const model = wrap(aJudgeModel());
  await setBudget(store, { experimentId: '7' }, { tokensPerDay: 0 });
  const ask = (i: number) => model.complete(aJudgeRequest(`question ${i}`)).catch((error) => error.name);
  for (let i = 0; i < 8; i++) expect(await ask(i)).toBe('BudgetExhaustedError');
  await setBudget(store, { experimentId: '7' }, { tokensPerDay: 1_000_000 });
  // What was read a moment ago refuses for two seconds.
  clock.now += 2_001;
  expect(await ask(9)).toEqual(aJudgeAnswer());
});

it('a table of budgets that does not answer is no failure of the model', async () => {
  const { wrap, store } = anInstance();
  await setBudget(store, { experimentId: '7' }, { tokensPerDay: 1_000_000 });
  const asked = aJudgeModel();
  const model = wrap(asked);
  const { read } = store;
  store.read = () => Promise.reject(new Error('throttled table'));
  const ask = (i: number) => model.complete(aJudgeRequest(`question ${i}`));
  for (let i = 0; i < 8; i++) await expect(ask(i)).rejects.toMatchObject({ name: 'JudgeUnavailableError' });
  store.read = read;
  expect(await ask(9)).toEqual(aJudgeAnswer());
});

it('a model that is left alone costs no write of a budget', async () => {
  const { wrap, store } = anInstance();
  await setBudget(store, { experimentId: '7' }, { tokensPerDay: 1_000_000 });
  const asked = aJudgeModel(() => Promise.reject(new JudgeUnavailableError('503', { reason: 'unavailable' })));
  const model = wrap(asked);
  const ask = (i: number) => model.complete(aJudgeRequest(`question ${i}`)).catch((error) => error.name);
  for (let i = 0; i < 5; i++) await ask(i);
  const { writes } = store.calls;
  for (let i = 5; i < 30; i++) expect(await ask(i)).toBe('JudgeUnavailableError');
  expect([asked.asked.length, store.calls.writes]).toEqual([5, writes]);
});

it('a call that came to its turn too late costs nothing of a budget', async () => {
  const { wrap, store, clock } = anInstance();
  await setBudget(store, { experimentId: '7' }, { tokensPerDay: 1_000_000 });
  const asked = aJudgeModel();
  const { writes } = store.calls;
  const late = aJudgeRequest('late', { until: clock.now + 1_000 });
  await expect(wrap(asked).complete(late)).rejects.toMatchObject({ name: 'JudgeOutOfTimeError' });
  expect([asked.asked.length, store.calls.writes]).toEqual([0, writes]);
});
