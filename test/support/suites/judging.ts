import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dynamoBudgetStore } from '../../../shared/adapters/dynamo-budget-store.ts';
import { dynamoCircuitBoard } from '../../../shared/adapters/dynamo-circuit-board.ts';
import { dynamoJudgeAnswers } from '../../../shared/adapters/dynamo-judge-answers.ts';
import { asOf, type BudgetStore, dayOf } from '../../../shared/domain/judging/budget.ts';
import { removeBudget, setBudget } from '../../../shared/domain/judging/change-budgets.ts';
import { closed } from '../../../shared/domain/judging/circuit.ts';
import { judgeBudgets } from '../../../shared/domain/judging/judge-budgets.ts';
import { amountOf, judgePrice, mostOf, nothing } from '../../../shared/domain/judging/judge-price.ts';
import { aJudgeAnswer, aJudgeModel, aJudgeRequest } from '../builders/a-judge-request.ts';
import { noon } from '../builders/a-trace-info.ts';
import type { Tables } from '../dynamo-tables.ts';

const times = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));

/** What judges share: budgets, answers, and which models are down. */
export function describeJudging(engine: string, tables: () => Tables): void {
  describeBudgets(engine, tables);
  describeAnswers(engine, tables);
  describeCircuits(engine, tables);
}

function describeBudgets(engine: string, tables: () => Tables): void {
  describe(`the budget store on ${engine}`, () => {
    let once: DynamoDBClient;
    let store: BudgetStore;
    beforeAll(async () => {
      const { client, registry } = tables();
      const { hostname, port, protocol } = await (client.config.endpoint?.() ??
        expect.fail('the engine has an endpoint'));
      once = new DynamoDBClient({
        endpoint: `${protocol}//${hostname}:${port}`,
        region: await client.config.region(),
        credentials: await client.config.credentials(),
        maxAttempts: 1,
      });
      store = dynamoBudgetStore(client, registry, { booking: once });
    });
    afterAll(() => once.destroy());
    const instance = (at = noon) => judgeBudgets({ store, now: () => at, priceOf: judgePrice });
    const model = () => aJudgeModel();
    const cost = amountOf(aJudgeAnswer().usage, judgePrice(model().uri));

    test('has no budgets where none were set', async () => {
      expect(await store.read('none')).toMatchObject({ version: 0, budgets: [] });
    });

    test('keeps limits and what is booked apart: changing one leaves the other', async () => {
      await setBudget(store, { experimentId: '91' }, { nanoUsdPerDay: 10 ** 9, tokensPerMonth: 10 ** 6 });
      const { paidBy, flush } = instance();
      await paidBy({ experimentId: '91', scorers: [] }, model()).complete(aJudgeRequest());
      await flush();
      await setBudget(store, { experimentId: '91', scorer: 'a "quoted" näme' }, { tokensPerDay: 5 });
      await setBudget(store, { experimentId: '91' }, { nanoUsdPerDay: 2 * 10 ** 9 });
      const { budgets, version } = await store.read('91');
      expect(version).toBe(3);
      expect(budgets).toMatchObject([
        { limits: { nanoUsdPerDay: 2 * 10 ** 9 }, day: cost, month: cost, open: nothing },
        { scorer: 'a "quoted" näme', limits: { tokensPerDay: 5 }, day: nothing },
      ]);
      await removeBudget(store, { experimentId: '91' });
      await setBudget(store, { experimentId: '91' }, { tokensPerDay: 5 });
      expect((await store.read('91')).budgets.map(({ day }) => day.tokens)).toEqual([0, 0]);
    });

    test('takes every one of many changes at once', async () => {
      await Promise.all(
        times(4, (i) => setBudget(store, { experimentId: '92', scorer: `s${i}` }, { tokensPerDay: i })),
      );
      const { budgets } = await store.read('92');
      expect(budgets.map(({ scorer }) => scorer).toSorted()).toEqual(['s0', 's1', 's2', 's3']);
      expect(new Set(budgets.map(({ id }) => id)).size).toBe(4);
    });

    test('holds many instances at once to the limits, and in the end has what they spent', async () => {
      const { tokens: most } = mostOf(aJudgeRequest(), undefined);
      const limit = most * 6;
      await setBudget(store, { experimentId: '93' }, { nanoUsdPerDay: 10 ** 9 });
      await setBudget(store, { experimentId: '93', scorer: 'tone' }, { tokensPerDay: limit });
      const judge = model();
      const instances = times(6, () => instance());
      const payer = { experimentId: '93', scorers: ['tone'] };
      const calls = instances.flatMap(({ paidBy }) => times(6, () => paidBy(payer, judge).complete(aJudgeRequest())));
      const results = await Promise.allSettled(calls);
      for (const { flush } of instances) await flush();
      const made = results.filter(({ status }) => status === 'fulfilled').length;
      for (const result of results)
        if (result.status === 'rejected') expect(result.reason).toMatchObject({ name: 'BudgetExhaustedError' });
      expect(made).toBe(judge.asked.length);
      expect(made).toBeGreaterThanOrEqual(6);
      expect(made * cost.tokens).toBeLessThanOrEqual(limit);
      const total = { nanoUsd: made * cost.nanoUsd, tokens: made * cost.tokens };
      for (const budget of (await store.read('93')).budgets)
        expect(budget).toMatchObject({ day: total, month: total, open: nothing });
    });

    test('begins a day once, and with the month anew only where it is another', async () => {
      await setBudget(store, { experimentId: '94' }, { tokensPerDay: 10 ** 6 });
      const spendAt = async (at: number) => {
        const { paidBy, flush } = instance(at);
        await paidBy({ experimentId: '94', scorers: [] }, model()).complete(aJudgeRequest());
        await flush();
        const [budget] = asOf(await store.read('94'), dayOf(at)).budgets;
        return [budget?.day.tokens, budget?.month.tokens];
      };
      const one = cost.tokens;
      expect(await spendAt(Date.parse('2026-06-29T23:59:59Z'))).toEqual([one, one]);
      await Promise.all(times(3, () => spendAt(Date.parse('2026-06-30T00:00:00Z'))));
      expect(await spendAt(Date.parse('2026-06-30T12:00:00Z'))).toEqual([4 * one, 5 * one]);
      expect(await spendAt(Date.parse('2026-07-01T00:00:00Z'))).toEqual([one, one]);
    });

    test('does not take what another version, another day or a limit forbids', async () => {
      await setBudget(store, { experimentId: '95' }, { tokensPerDay: 100 });
      const book = await store.read('95');
      const [budget] = book.budgets;
      if (!budget) expect.fail('it was set');
      const limits = new Map([[budget.id, budget.limits]]);
      const amount = { nanoUsd: 1, tokens: 60 };
      const line = { id: budget.id, day: amount, month: amount, open: amount };
      const entry = { experimentId: '95', version: book.version, day: book.day, reservedAt: noon, lines: [line] };
      const answers = [
        await store.book({ ...entry, version: book.version + 1 }, limits),
        await store.book({ ...entry, day: '2026-06-02' }, limits),
        await store.book({ ...entry, quietSince: 5 }, limits),
        await store.book({ ...entry, quietSince: 0 }, limits),
        await store.book(entry, limits),
        // What was spent already is booked whatever the limit says.
        await store.book({ ...entry, reservedAt: undefined as never }, limits),
      ];
      expect(answers).toEqual([false, false, false, true, false, true]);
      expect((await store.read('95')).budgets[0]?.day.tokens).toBe(120);
    });

    test('fits thirty budgets, however often they were changed, in one write', async () => {
      const limits = {
        nanoUsdPerDay: 10 ** 15,
        nanoUsdPerMonth: 10 ** 15,
        tokensPerDay: 10 ** 15,
        tokensPerMonth: 10 ** 15,
      };
      const scorers = times(29, (i) => `scorer ${i}`);
      const budgets = [undefined, ...scorers].map((scorer, i) => ({
        id: `b${900_000 + i}`,
        ...(scorer && { scorer }),
        limits,
      }));
      expect(await store.replace(await store.read('96'), budgets)).toBe(true);
      const { paidBy, flush } = instance();
      const payer = { experimentId: '96', scorers };
      await paidBy(payer, model()).complete(aJudgeRequest());
      await flush();
      expect((await store.read('96')).budgets.map(({ day }) => day.tokens)).toEqual([520, ...scorers.map(() => 18)]);
    });

    test('is not booked on with a client that may repeat a call', async () => {
      const { client, registry } = tables();
      const entry = { experimentId: '97', version: 1, day: '2026-06-01', lines: [] };
      await expect(dynamoBudgetStore(client, registry).book(entry, new Map())).rejects.toThrow('one attempt');
    });
  });
}

function describeAnswers(engine: string, tables: () => Tables): void {
  describe(`the answers of judges on ${engine}`, () => {
    test('are found until their time is over', async () => {
      const answers = dynamoJudgeAnswers(tables().client, tables().judgeMemory);
      const answer = { text: '{"result":"ja"}', usage: { inputTokens: 5, outputTokens: 2, cacheReadTokens: 3 } };
      await answers.put('a', answer, { until: noon + 1_000 });
      await answers.put('a', answer, { until: noon + 1_000 });
      expect(await answers.get('a', noon)).toEqual(answer);
      expect(await answers.get('a', noon + 1_000)).toBeUndefined();
      expect(await answers.get('b', noon)).toBeUndefined();
    });
  });
}

function describeCircuits(engine: string, tables: () => Tables): void {
  describe(`the circuit board on ${engine}`, () => {
    const aBoard = () => dynamoCircuitBoard(tables().client, tables().judgeMemory);
    const open = (openUntil: number, openings = 1) => ({ ...closed, failures: 5, openings, openUntil });

    test('tells of a model that does not answer, until one closes it', async () => {
      const board = aBoard();
      expect(await board.read('openai:/a')).toBeUndefined();
      await board.open('openai:/a', open(noon + 20_000, 2));
      await board.open('openai:/a', open(noon + 10_000));
      expect(await board.read('openai:/a')).toEqual({
        failures: 0,
        openings: 2,
        openUntil: noon + 20_000,
        probingUntil: 0,
      });
      expect(await board.read('openai:/b')).toBeUndefined();
      await board.close('openai:/a');
      await board.close('openai:/a');
      expect(await board.read('openai:/a')).toBeUndefined();
    });

    test('lets one of many try a model at a time, and another when that is not heard of', async () => {
      const board = aBoard();
      const claims = async (now: number) =>
        (await Promise.all(times(8, () => board.claimProbe('openai:/c', { now, until: now + 90_000 })))).filter(
          Boolean,
        );
      expect(await claims(noon)).toHaveLength(0);
      await board.open('openai:/c', open(noon + 10_000));
      expect(await claims(noon + 9_999)).toHaveLength(0);
      expect(await claims(noon + 10_000)).toHaveLength(1);
      expect(await claims(noon + 99_999)).toHaveLength(0);
      expect(await claims(noon + 100_000)).toHaveLength(1);
      await board.open('openai:/c', open(noon + 200_000, 2));
      expect((await board.read('openai:/c'))?.probingUntil).toBe(0);
    });

    test('lets another try at once where the call was not made, and takes nothing from who tries meanwhile', async () => {
      const board = aBoard();
      await board.open('openai:/d', open(noon));
      const claim = (until: number) => board.claimProbe('openai:/d', { now: noon, until });
      expect(await claim(noon + 90_000)).toBe(true);
      await board.releaseProbe('openai:/d', { until: noon + 80_000 });
      expect(await claim(noon + 91_000)).toBe(false);
      await board.releaseProbe('openai:/d', { until: noon + 90_000 });
      expect(await claim(noon + 92_000)).toBe(true);
      await board.close('openai:/d');
      await board.releaseProbe('openai:/d', { until: noon + 92_000 });
      expect(await board.read('openai:/d')).toBeUndefined();
    });
  });
}
