import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  asOf,
  type Budget,
  BudgetExhaustedError,
  type BudgetLimits,
  type BudgetStore,
  dayOf,
  longestCallMs,
  UnpricedModelError,
} from '../../../../shared/domain/judging/budget.ts';
import { removeBudget, setBudget } from '../../../../shared/domain/judging/change-budgets.ts';
import { judgeBudgets } from '../../../../shared/domain/judging/judge-budgets.ts';
import {
  JudgeMisconfiguredError,
  JudgeTimeoutError,
  JudgeUnavailableError,
} from '../../../../shared/domain/judging/judge-model.ts';
import { amountOf, judgePrice, mostOf } from '../../../../shared/domain/judging/judge-price.ts';
import { aJudgeAnswer, aJudgeModel, aJudgeRequest } from '../../../support/builders/a-judge-request.ts';
import { noon } from '../../../support/builders/a-trace-info.ts';
import { inMemoryBudgetStore } from '../../../support/in-memory/in-memory-budget-store.ts';

const usd = 1_000_000_000;
const experimentId = '7';
const payer = { experimentId, scorers: ['tone'] };
let clock: number;
let store: ReturnType<typeof inMemoryBudgetStore>;
const now = () => clock;
const instance = (over: BudgetStore = store) => judgeBudgets({ store: over, now, priceOf: judgePrice });
const limit = (limits: BudgetLimits, scorer?: string) => setBudget(store, { experimentId, scorer }, limits);

beforeEach(() => {
  clock = noon;
  store = inMemoryBudgetStore();
});

async function budget(scorer?: string): Promise<Budget> {
  const book = asOf(await store.read(experimentId), dayOf(clock));
  const found = book.budgets.find((each) => each.scorer === scorer);
  if (!found) throw new Error(`no budget of ${scorer ?? 'the experiment'}`);
  return found;
}

const refusal = (call: Promise<unknown>): Promise<BudgetExhaustedError> =>
  call.then(
    () => expect.fail('the call was made'),
    (error) => {
      expect(error).toBeInstanceOf(BudgetExhaustedError);
      return error;
    },
  );

describe('a call without a budget', () => {
  it('costs one read of the registry in half a minute, and no write', async () => {
    const { paidBy, flush } = instance();
    const model = paidBy(payer, aJudgeModel());
    for (let i = 0; i < 10; i++) await model.complete(aJudgeRequest());
    await flush();
    expect(store.calls).toEqual({ reads: 1, writes: 0 });
    clock += 30_001;
    await model.complete(aJudgeRequest());
    expect(store.calls.reads).toBe(2);
  });

  it('may be of a model without a price, and of a scorer that has none beside one that has', async () => {
    await limit({ nanoUsdPerDay: 0 }, 'other');
    const model = aJudgeModel(undefined, 'openai:/own-model');
    expect(await instance().paidBy(payer, model).complete(aJudgeRequest())).toEqual(aJudgeAnswer());
  });
});

describe('a budget', () => {
  const cost = amountOf(aJudgeAnswer().usage, judgePrice('openai:/gpt-4.1-mini'));

  it('counts what calls really took, in the day and the month, of the experiment and of the scorer', async () => {
    await limit({ nanoUsdPerDay: usd });
    await limit({ tokensPerMonth: 1_000_000 }, 'tone');
    const { paidBy, flush } = instance();
    for (let i = 0; i < 3; i++) await paidBy(payer, aJudgeModel()).complete(aJudgeRequest());
    await paidBy({ experimentId, scorers: ['other'] }, aJudgeModel()).complete(aJudgeRequest());
    await flush();
    const times = (n: number) => ({ nanoUsd: n * cost.nanoUsd, tokens: n * cost.tokens });
    expect(await budget()).toMatchObject({ day: times(4), month: times(4), open: times(0) });
    expect(await budget('tone')).toMatchObject({ day: times(3), month: times(3), open: times(0) });
  });

  it('is shared by the scorers that a call judges for', async () => {
    for (const scorer of ['tone', 'other']) await limit({ tokensPerDay: 1_000_000 }, scorer);
    const { paidBy, flush } = instance();
    await paidBy({ experimentId, scorers: ['tone', 'other'] }, aJudgeModel()).complete(aJudgeRequest());
    await flush();
    expect((await budget('tone')).day.tokens).toBe(cost.tokens / 2);
  });

  it.each([
    { limits: { nanoUsdPerDay: cost.nanoUsd * 5 }, period: 'day', unit: 'nanoUsd', until: '2026-06-02' },
    { limits: { tokensPerDay: cost.tokens * 5 }, period: 'day', unit: 'tokens', until: '2026-06-02' },
    { limits: { tokensPerDay: 9e9, nanoUsdPerMonth: 0 }, period: 'month', unit: 'nanoUsd', until: '2026-07-01' },
    { limits: { tokensPerDay: 0, tokensPerMonth: 0 }, period: 'month', unit: 'tokens', until: '2026-07-01' },
  ])('of $limits holds a call back until $until, in UTC', async ({ limits, period, unit, until }) => {
    await limit(limits);
    const { paidBy } = instance();
    const model = aJudgeModel();
    const ask = () => paidBy(payer, model).complete(aJudgeRequest());
    let made = 0;
    let refused: BudgetExhaustedError | undefined;
    for (; !refused && made < 10; made++)
      await ask().catch((error) => {
        refused = error;
      });
    expect(refused).toMatchObject({ scope: { experimentId }, period, unit, reason: 'spent', until: Date.parse(until) });
    expect(model.asked.length * cost.tokens).toBeLessThanOrEqual(limits.tokensPerDay ?? Number.MAX_VALUE);
    clock = Date.parse(until) - 1;
    await refusal(ask());
  });

  it('lets calls go on in its next period', async () => {
    await limit({ tokensPerDay: 3_000 });
    const { paidBy } = instance();
    const ask = () => paidBy(payer, aJudgeModel()).complete(aJudgeRequest());
    for (const day of ['2026-06-29', '2026-06-30', '2026-07-01']) {
      clock = Date.parse(day);
      let made = 0;
      while (
        made < 10 &&
        (await ask()
          .then(() => ++made)
          .catch(() => 0)) > 0
      );
      expect(made).toBe(3);
    }
    expect((await budget()).month.tokens).toBeLessThan(4_000);
  });

  it('waits for calls under way where these may give back enough, and for the next day where none is', async () => {
    const { tokens } = mostOf(aJudgeRequest(), undefined);
    await limit({ tokensPerDay: tokens + 10 });
    const { paidBy } = instance();
    const answer = Promise.withResolvers<ReturnType<typeof aJudgeAnswer>>();
    const [first, second] = [aJudgeModel(() => answer.promise), aJudgeModel()];
    const call = paidBy(payer, first).complete(aJudgeRequest());
    // What the instance reads itself is fresh: it need not ask the table.
    expect(await refusal(paidBy(payer, second).complete(aJudgeRequest()))).toMatchObject({ reason: 'reserved' });
    // Nobody answers: whoever had reserved must be dead.
    clock += longestCallMs + 1;
    const { reason, until } = await refusal(instance().paidBy(payer, second).complete(aJudgeRequest()));
    expect([reason, until]).toEqual(['spent', Date.parse('2026-06-02')]);
    answer.resolve(aJudgeAnswer({ usage: { inputTokens: 1, outputTokens: 1 } }));
    await call;
    await paidBy(payer, second).complete(aJudgeRequest());
    expect(second.asked).toHaveLength(1);
  });

  it('has nothing reserved below nothing where what a call gives back is booked long after it', async () => {
    await limit({ tokensPerDay: 1_000_000 });
    const { paidBy, flush } = instance();
    const ask = () => paidBy(payer, aJudgeModel()).complete(aJudgeRequest());
    await ask();
    clock += longestCallMs + 1;
    await ask();
    await flush();
    expect((await budget()).open).toEqual({ nanoUsd: 0, tokens: 0 });
  });

  it('that was exhausted costs no write for each call that it holds back', async () => {
    await limit({ tokensPerDay: 100 });
    const { paidBy } = instance();
    const calls = Array.from({ length: 50 }, () => refusal(paidBy(payer, aJudgeModel()).complete(aJudgeRequest())));
    await Promise.all(calls);
    // One that set it, one that began the day.
    expect(store.calls.writes).toBe(2);
    expect(store.calls.reads).toBeLessThan(5);
  });

  it('costs one write or less for a call, that which the next call or the end of the invocation books included', async () => {
    await limit({ nanoUsdPerDay: usd });
    await limit({ nanoUsdPerDay: usd }, 'tone');
    const { paidBy, flush } = instance();
    const before = store.calls.writes;
    for (let i = 0; i < 20; i++) await paidBy(payer, aJudgeModel()).complete(aJudgeRequest());
    await flush();
    // The first begins the day.
    expect(store.calls.writes - before).toBe(22);
    await Promise.all(Array.from({ length: 50 }, () => paidBy(payer, aJudgeModel()).complete(aJudgeRequest())));
    await flush();
    expect(store.calls.writes - before).toBeLessThanOrEqual(25);
    expect((await budget()).day).toEqual({ nanoUsd: 70 * cost.nanoUsd, tokens: 70 * cost.tokens });
  });

  it('is obeyed at once where it is changed, and counts on; one that was removed is free', async () => {
    await limit({ tokensPerDay: 1_000_000 });
    const { paidBy, flush } = instance();
    const ask = () => paidBy(payer, aJudgeModel()).complete(aJudgeRequest());
    await ask();
    await flush();
    await limit({ tokensPerDay: cost.tokens });
    await refusal(ask());
    expect((await budget()).day).toEqual(cost);
    expect(await removeBudget(store, { experimentId })).toBe(true);
    expect(await removeBudget(store, { experimentId })).toBe(false);
    clock += 2_001;
    await ask();
    await limit({ tokensPerDay: 1 });
    expect((await budget()).day.tokens).toBe(0);
  });

  it.each([
    { what: 'is unavailable', error: new JudgeUnavailableError('', { reason: 'throttled' }), isFree: true },
    { what: 'refuses the key', error: new JudgeMisconfiguredError('', { reason: 'credentials' }), isFree: true },
    {
      what: 'breaks off',
      error: new JudgeUnavailableError('', { reason: 'unavailable', call: 'begun' }),
      isFree: false,
    },
    { what: 'times out, which is billed', error: new JudgeTimeoutError(''), isFree: false },
    { what: 'fails in an unknown way', error: new Error('socket hang up'), isFree: false },
  ])('gives back what was reserved where the model $what: $isFree', async ({ error, isFree }) => {
    await limit({ tokensPerDay: 1_000_000 });
    const { paidBy, flush } = instance();
    const model = aJudgeModel(() => Promise.reject(error));
    await expect(paidBy(payer, model).complete(aJudgeRequest())).rejects.toBe(error);
    await flush();
    const { day, open } = await budget();
    expect([day.tokens, open.tokens]).toEqual([isFree ? 0 : mostOf(aJudgeRequest(), undefined).tokens, 0]);
  });

  it('has room for what a model thinks beside its answer', async () => {
    await limit({ tokensPerDay: 1_000_000 });
    const { paidBy, flush } = instance();
    const thinking = { ...aJudgeModel(() => Promise.reject(new JudgeTimeoutError(''))), thinkingTokens: 4_000 };
    await expect(paidBy(payer, thinking).complete(aJudgeRequest())).rejects.toThrow(JudgeTimeoutError);
    await flush();
    expect((await budget()).day.tokens).toBe(mostOf(aJudgeRequest(), undefined).tokens + 4_000);
  });

  it('counts a usage that the provider does not tell as the most that it can be', async () => {
    await limit({ tokensPerDay: 1_000_000 });
    const { paidBy, flush } = instance();
    const model = aJudgeModel(() => aJudgeAnswer({ usage: { inputTokens: 0, outputTokens: 0 } }));
    await paidBy(payer, model).complete(aJudgeRequest());
    await flush();
    expect((await budget()).day.tokens).toBe(mostOf(aJudgeRequest(), undefined).tokens);
  });

  it('in US$ refuses a model whose price is unknown, one in tokens does not', async () => {
    const unpriced = aJudgeModel(undefined, 'gateway:/gpt-4.1-mini');
    await limit({ tokensPerDay: 1_000_000 });
    await instance().paidBy(payer, unpriced).complete(aJudgeRequest());
    await limit({ nanoUsdPerMonth: usd }, 'tone');
    await expect(instance().paidBy(payer, unpriced).complete(aJudgeRequest())).rejects.toThrow(UnpricedModelError);
    expect(unpriced.asked).toHaveLength(1);
  });
});

describe('a store that does not answer for a while', () => {
  const broken = () => Promise.reject(new Error('ProvisionedThroughputExceeded'));
  const call = (over: Partial<BudgetStore>) =>
    instance({ ...store, ...over })
      .paidBy(payer, aJudgeModel())
      .complete(aJudgeRequest());

  it.each([
    { what: 'reading', over: { read: broken } },
    { what: 'beginning a day', over: { turn: broken } },
    { what: 'booking', over: { book: broken } },
  ])('has the call wait, whether it fails at $what', async ({ over }) => {
    await limit({ tokensPerDay: 1_000_000 });
    await expect(call(over)).rejects.toMatchObject({
      name: 'JudgeUnavailableError',
      reason: 'unavailable',
      message: expect.stringContaining('experiment 7'),
      cause: expect.objectContaining({ message: 'ProvisionedThroughputExceeded' }),
    });
  });

  it('has it wait where too many book at once', async () => {
    await limit({ tokensPerDay: 1_000_000 });
    await expect(call({ book: async () => false })).rejects.toMatchObject({
      name: 'JudgeUnavailableError',
      message: expect.stringContaining('too many at once'),
    });
  });
});

it('more experiments than one instance remembers lose nothing that calls under way give back', async () => {
  await limit({ tokensPerDay: 1_000_000 });
  const { paidBy, flush } = instance();
  const reading = Promise.withResolvers<void>();
  const answering = Promise.withResolvers<ReturnType<typeof aJudgeAnswer>>();
  const { read } = store;
  store.read = async (id) => {
    if (id === experimentId) await reading.promise;
    return read(id);
  };
  const others = async (from: number) => {
    for (let i = from; i < from + 1_001; i++)
      await paidBy({ experimentId: `other ${i}`, scorers: [] }, aJudgeModel()).complete(aJudgeRequest());
  };
  const model = aJudgeModel(() => answering.promise);
  const call = paidBy(payer, model).complete(aJudgeRequest());
  await others(0);
  reading.resolve();
  while (model.asked.length === 0) await settled();
  await others(5_000);
  answering.resolve(aJudgeAnswer());
  await call;
  await flush();
  expect(await budget()).toMatchObject({ day: { tokens: 520 }, open: { tokens: 0 } });
});

describe('many instances, some of which die', () => {
  const scorers = ['tone', 'safety'];
  const call = fc.record({
    scorer: fc.constantFrom(...scorers),
    instance: fc.nat(3),
    size: fc.nat(2_000),
    /** Of what was the most, the share that the call really takes. */
    share: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
    ends: fc.constantFrom('answers', 'answers', 'answers', 'unavailable', 'times out', 'answers tomorrow', 'dies'),
  });
  const limits = fc.record(
    { nanoUsdPerDay: fc.nat(5_000_000), tokensPerDay: fc.nat(20_000), tokensPerMonth: fc.nat(40_000) },
    { requiredKeys: [] },
  );
  const scenario = fc.record({
    experiment: limits,
    tone: limits,
    waves: fc.array(fc.array(call, { maxLength: 12 }), { minLength: 1, maxLength: 5 }),
    ticks: fc.array(fc.nat(6), { minLength: 1, maxLength: 50 }),
    /** The writes of whose answers nothing is heard, by number. */
    lost: fc.uniqueArray(fc.nat(60), { maxLength: 4 }),
  });

  it('never spend more than any budget, and leave nothing reserved but what those who died may have spent', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async ({ experiment, tone, waves, ticks, lost }) => {
        clock = Date.parse('2026-06-29T23:58:00Z');
        const shared = inMemoryBudgetStore();
        await setBudget(shared, { experimentId }, experiment);
        await setBudget(shared, { experimentId, scorer: 'tone' }, tone);
        let nth = 0;
        const soon = async () => {
          for (let i = ticks[nth++ % ticks.length] ?? 0; i > 0; i--) await undefined;
        };
        let writes = 0;
        let isAnyLost = false;
        /** Slow, and now and then a write whose answer is lost, whether or not it was applied. */
        const slow: BudgetStore = {
          read: async (id) => soon().then(() => shared.read(id)),
          turn: async (book, day) => soon().then(() => shared.turn(book, day)),
          replace: shared.replace,
          async book(entry, bounds) {
            await soon();
            const number = writes++;
            const isLost = lost.includes(number);
            isAnyLost ||= isLost;
            if (isLost && number % 2 === 0) throw new Error('timeout');
            const isBooked = await shared.book(entry, bounds);
            await soon();
            if (isLost) throw new Error('timeout');
            return isBooked;
          },
        };
        const instances = Array.from({ length: 4 }, () => instance(slow));
        const dead = new Set<number>();
        const spent: { day: string; scorer: string; nanoUsd: number; tokens: number }[] = [];
        let isAnyUnknown = false;
        let tomorrow = Promise.withResolvers<void>();
        const pending: Promise<unknown>[] = [];
        for (const [n, wave] of waves.entries()) {
          // Midnight is crossed within a call's life, then most of a day goes by.
          const isLate = n % 2 === 0;
          const started = wave.map(({ scorer, instance: which, size, share, ends }) => {
            if (dead.has(which)) return Promise.resolve();
            const request = aJudgeRequest('x'.repeat(size));
            const most = mostOf(request, undefined).tokens;
            const usage = {
              inputTokens: Math.max(1, Math.floor((most - 400) * share)),
              outputTokens: Math.floor(400 * share),
            };
            const later = tomorrow.promise;
            const isSpent = ends !== 'unavailable';
            const model = aJudgeModel(async () => {
              if (isSpent)
                spent.push({ day: dayOf(clock), scorer, ...amountOf(usage, judgePrice('openai:/gpt-4.1-mini')) });
              await soon();
              if (ends === 'unavailable') throw new JudgeUnavailableError('', { reason: 'throttled' });
              if (ends === 'times out') throw new JudgeTimeoutError('');
              if (isLate && ends === 'answers tomorrow') await later;
              if (ends === 'dies') {
                dead.add(which);
                return new Promise<never>(() => {});
              }
              return aJudgeAnswer({ usage });
            });
            isAnyUnknown ||= ends === 'times out';
            const made = (instances[which] as (typeof instances)[number])
              .paidBy({ experimentId, scorers: [scorer] }, model)
              .complete(request)
              .catch((error) => {
                const names = ['BudgetExhaustedError', 'JudgeUnavailableError', 'JudgeTimeoutError'];
                if (!names.includes(error.name) && error.message !== 'timeout') throw error;
              });
            if (ends === 'answers tomorrow') pending.push(made);
            return ends === 'dies' || ends === 'answers tomorrow' ? Promise.race([made, settled()]) : made;
          });
          await Promise.all(started);
          for (const [i, { flush }] of instances.entries()) if (!dead.has(i)) await flush().catch(() => {});
          clock += isLate ? 240_000 : 86_400_000 - 240_000;
          tomorrow.resolve();
          tomorrow = Promise.withResolvers<void>();
          // No call lasts longer than that: the clock does not go on before they have settled.
          await Promise.all(pending);
        }
        for (const [i, { flush }] of instances.entries()) if (!dead.has(i)) await flush().catch(() => {});

        const total = (unit: 'nanoUsd' | 'tokens', days: string, scorer?: string) =>
          spent
            .filter((each) => each.day.startsWith(days) && (scorer === undefined || each.scorer === scorer))
            .reduce((sum, each) => sum + each[unit], 0);
        for (const [bounds, scorer] of [[experiment, undefined] as const, [tone, 'tone'] as const]) {
          for (const day of new Set(spent.map((each) => each.day))) {
            expect(total('nanoUsd', day, scorer)).toBeLessThanOrEqual(bounds.nanoUsdPerDay ?? Number.MAX_VALUE);
            expect(total('tokens', day, scorer)).toBeLessThanOrEqual(bounds.tokensPerDay ?? Number.MAX_VALUE);
            const month = day.slice(0, 7);
            expect(total('tokens', month, scorer)).toBeLessThanOrEqual(bounds.tokensPerMonth ?? Number.MAX_VALUE);
          }
          const book = await shared.read(experimentId);
          const found = book.budgets.find((each) => each.scorer === scorer) as Budget;
          const real = total('tokens', book.day, scorer);
          expect(found.day.tokens).toBeGreaterThanOrEqual(real);
          if (dead.size > 0 || isAnyLost || isAnyUnknown) continue;
          expect(found.day.tokens).toBe(real);
          expect(found.open).toEqual({ nanoUsd: 0, tokens: 0 });
        }
        // Whatever the dead had reserved is free again when its month is over.
        const over = asOf(await shared.read(experimentId), '2027-01-01');
        expect(over.budgets.map(({ day, month }) => day.tokens + month.tokens)).toEqual([0, 0]);
      }),
      { numRuns: 400 },
    );
  });
});

/** When all that can happen without a timer has happened. */
const settled = () => new Promise((resolve) => setImmediate(resolve));
