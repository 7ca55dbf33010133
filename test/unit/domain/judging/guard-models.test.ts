import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  afterAnswer,
  afterFailure,
  afterThrottled,
  type Circuit,
  closed,
  decideCall,
} from '../../../../shared/domain/judging/circuit.ts';
import { type CircuitBoard, modelGuards } from '../../../../shared/domain/judging/guard-models.ts';
import {
  ContextTooLongError,
  type JudgeAnswer,
  JudgeMisconfiguredError,
  JudgeOutOfTimeError,
  JudgeTimeoutError,
  JudgeUnavailableError,
} from '../../../../shared/domain/judging/judge-model.ts';
import { aJudgeAnswer, aJudgeModel, aJudgeRequest } from '../../../support/builders/a-judge-request.ts';
import { noon } from '../../../support/builders/a-trace-info.ts';

let clock: number;
let board: CircuitBoard & { readonly known: Map<string, Circuit>; reads: number };
beforeEach(() => {
  clock = noon;
  board = inMemoryBoard();
});

function inMemoryBoard() {
  const known = new Map<string, Circuit>();
  return {
    known,
    reads: 0,
    async read(model: string) {
      this.reads++;
      return known.get(model);
    },
    async open(model: string, circuit: Circuit) {
      known.set(model, { ...circuit, probingUntil: 0 });
    },
    async claimProbe(model: string, { now, until }: { now: number; until: number }) {
      const found = known.get(model);
      if (!found || found.openUntil > now || found.probingUntil > now) return false;
      known.set(model, { ...found, probingUntil: until });
      return true;
    },
    async releaseProbe(model: string, { until }: { until: number }) {
      const found = known.get(model);
      if (found?.probingUntil === until) known.set(model, { ...found, probingUntil: 0 });
    },
    async close(model: string) {
      known.delete(model);
    },
  };
}

const reports: unknown[] = [];
const anInstance = (maxConcurrency = 50) =>
  modelGuards({ board, now: () => clock, chance: () => 0, maxConcurrency, report: (error) => reports.push(error) });
const down = () => Promise.reject(new JudgeUnavailableError('503', { reason: 'unavailable' }));
const throttled = (retryAfterMs?: number) =>
  Promise.reject(new JudgeUnavailableError('429', { reason: 'throttled', retryAfterMs }));
const failed = (call: Promise<unknown>): Promise<JudgeUnavailableError> =>
  call.then(
    () => expect.fail('it answered'),
    (error) => error,
  );

/** A model that does what `state.does` does at the time. */
function aChangingModel(uri?: string) {
  const state = { does: (): Promise<JudgeAnswer> | JudgeAnswer => aJudgeAnswer() };
  return { state, model: aJudgeModel(() => state.does(), uri) };
}

describe('a model that is down', () => {
  it('is not called any more after five failures in a row, by no call of the instance', async () => {
    const { state, model } = aChangingModel();
    const guarded = anInstance()(model);
    state.does = down;
    for (let i = 0; i < 4; i++) await failed(guarded.complete(aJudgeRequest()));
    state.does = aJudgeAnswer;
    await guarded.complete(aJudgeRequest());
    state.does = down;
    for (let i = 0; i < 5; i++) await failed(guarded.complete(aJudgeRequest()));
    expect(model.asked).toHaveLength(10);
    const refusals = await Promise.all(Array.from({ length: 30 }, () => failed(guarded.complete(aJudgeRequest()))));
    expect(model.asked).toHaveLength(10);
    for (const refusal of refusals) {
      expect(refusal).toBeInstanceOf(JudgeUnavailableError);
      expect([refusal.reason, refusal.retryAfterMs]).toEqual(['unavailable', 10_000]);
    }
  });

  it('is tried by one call then, again after twice the time if that fails, at most every five minutes', async () => {
    const { state, model } = aChangingModel();
    const guarded = anInstance()(model);
    state.does = down;
    for (let i = 0; i < 5; i++) await failed(guarded.complete(aJudgeRequest()));
    const waits: number[] = [];
    for (let i = 0; i < 7; i++) {
      const { retryAfterMs = 0 } = await failed(guarded.complete(aJudgeRequest()));
      waits.push(retryAfterMs / 1000);
      clock += retryAfterMs;
      const before = model.asked.length;
      await Promise.all(Array.from({ length: 10 }, () => failed(guarded.complete(aJudgeRequest()))));
      expect(model.asked.length - before).toBe(1);
    }
    expect(waits).toEqual([10, 20, 40, 80, 160, 300, 300]);
  });

  it('is called by all again as soon as it answers one', async () => {
    const { state, model } = aChangingModel();
    const guarded = anInstance()(model);
    state.does = down;
    for (let i = 0; i < 5; i++) await failed(guarded.complete(aJudgeRequest()));
    state.does = aJudgeAnswer;
    clock += 10_000;
    await guarded.complete(aJudgeRequest());
    await Promise.all(Array.from({ length: 10 }, () => guarded.complete(aJudgeRequest())));
    expect(board.known.size).toBe(0);
  });

  it.each([
    { what: 'does not answer in time', does: () => Promise.reject(new JudgeTimeoutError('')), opens: true },
    { what: 'finds the prompts too long', does: () => Promise.reject(new ContextTooLongError('')), opens: false },
    { what: 'fails in an unknown way', does: () => Promise.reject(new Error('bug')), opens: false },
  ])('is not one that $what: $opens', async ({ does, opens }) => {
    const { state, model } = aChangingModel();
    const guarded = anInstance()(model);
    state.does = does;
    for (let i = 0; i < 8; i++) await failed(guarded.complete(aJudgeRequest()));
    expect(model.asked).toHaveLength(opens ? 5 : 8);
  });

  it('is one by itself: others are called', async () => {
    const guard = anInstance();
    const dead = guard(aJudgeModel(down, 'openai:/dead'));
    for (let i = 0; i < 6; i++) await failed(dead.complete(aJudgeRequest()));
    expect(await guard(aJudgeModel()).complete(aJudgeRequest())).toEqual(aJudgeAnswer());
  });

  it('is not tried out for good by a call that was never made', async () => {
    const { state, model } = aChangingModel();
    const guarded = anInstance()(model);
    state.does = down;
    for (let i = 0; i < 5; i++) await failed(guarded.complete(aJudgeRequest()));
    clock += 10_000;
    // Say, its budget was exhausted.
    state.does = () => Promise.reject(new Error('held'));
    await failed(guarded.complete(aJudgeRequest()));
    state.does = aJudgeAnswer;
    expect(await anInstance()(model).complete(aJudgeRequest())).toEqual(aJudgeAnswer());
    clock += 10_000;
    expect(await guarded.complete(aJudgeRequest())).toEqual(aJudgeAnswer());
  });

  it.each([
    new JudgeMisconfiguredError('forbidden parameter', { reason: 'rejected-request', call: 'not-made' }),
    new JudgeUnavailableError('no secrets', { reason: 'unavailable', call: 'not-made' }),
  ])('is neither alive nor tried out where it was not called for a $name', async (error) => {
    const { state, model } = aChangingModel();
    const guarded = anInstance()(model);
    state.does = down;
    for (let i = 0; i < 5; i++) await failed(guarded.complete(aJudgeRequest()));
    clock += 10_000;
    const { openings } = board.known.get(model.uri) ?? {};
    state.does = () => Promise.reject(error);
    expect(await failed(guarded.complete(aJudgeRequest()))).toBe(error);
    expect(board.known.get(model.uri)).toMatchObject({ openings, probingUntil: 0 });
    state.does = aJudgeAnswer;
    expect(await guarded.complete(aJudgeRequest())).toEqual(aJudgeAnswer());
  });

  it('is not taken to be down, nor back, by calls that were not made', async () => {
    const { state, model } = aChangingModel();
    const guarded = anInstance()(model);
    state.does = down;
    for (let i = 0; i < 4; i++) await failed(guarded.complete(aJudgeRequest()));
    for (const unmade of [
      new JudgeUnavailableError('no secrets', { reason: 'unavailable', call: 'not-made' }),
      new JudgeMisconfiguredError('no key', { reason: 'credentials', call: 'not-made' }),
    ]) {
      state.does = () => Promise.reject(unmade);
      await failed(guarded.complete(aJudgeRequest()));
    }
    expect(board.known.size).toBe(0);
    state.does = down;
    await failed(guarded.complete(aJudgeRequest()));
    expect(board.known.size).toBe(1);
  });
});

describe('many instances', () => {
  it('learn of a dead model from each other, try it one at a time, and all go on when one has its answer', async () => {
    const { state, model } = aChangingModel();
    const guards = Array.from({ length: 20 }, () => anInstance()(model));
    const askAll = () => Promise.allSettled(guards.map((guarded) => guarded.complete(aJudgeRequest())));
    state.does = down;
    for (let i = 0; i < 5; i++) await failed((guards[0] as (typeof guards)[number]).complete(aJudgeRequest()));
    await askAll();
    expect(model.asked).toHaveLength(5);
    clock += 10_000;
    await askAll();
    expect(model.asked).toHaveLength(6);
    state.does = aJudgeAnswer;
    clock += 20_000;
    await askAll();
    expect(model.asked).toHaveLength(7);
    clock += 10_000;
    const answered = (await askAll()).filter(({ status }) => status === 'fulfilled');
    expect(answered).toHaveLength(20);
  });

  it('ask the board once in ten seconds, however many calls there are', async () => {
    const guarded = anInstance()(aJudgeModel());
    const many = () => Promise.all(Array.from({ length: 40 }, () => guarded.complete(aJudgeRequest())));
    await many();
    await many();
    expect(board.reads).toBe(1);
    clock += 10_000;
    await many();
    expect(board.reads).toBe(2);
  });

  it('go by what they see themselves where the board does not answer', async () => {
    const broken = () => Promise.reject(new Error('throttled table'));
    board = { ...board, read: broken, open: broken, claimProbe: broken, releaseProbe: broken, close: broken };
    const { state, model } = aChangingModel();
    const guarded = anInstance()(model);
    state.does = down;
    for (let i = 0; i < 10; i++) await failed(guarded.complete(aJudgeRequest()));
    expect(model.asked).toHaveLength(5);
    clock += 10_000;
    state.does = aJudgeAnswer;
    expect(await guarded.complete(aJudgeRequest())).toEqual(aJudgeAnswer());
    expect(reports.length).toBeGreaterThan(0);
  });
});

describe('a model that throttles', () => {
  it('is called by fewer at a time, and by more again while it answers', async () => {
    let [inFlight, most] = [0, 0];
    let capacity = 8;
    const held: PromiseWithResolvers<void>[] = [];
    const model = aJudgeModel(async () => {
      if (inFlight >= capacity) return throttled();
      most = Math.max(most, ++inFlight);
      const answer = Promise.withResolvers<void>();
      held.push(answer);
      await answer.promise;
      inFlight--;
      return aJudgeAnswer();
    });
    const guarded = anInstance(50)(model);
    const calls: Promise<unknown>[] = [];
    const round = async () => {
      clock += 1_000;
      for (let i = 0; i < 20; i++) calls.push(guarded.complete(aJudgeRequest()).catch((error) => error));
      for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
      for (const answer of held.splice(0)) answer.resolve();
    };
    for (let i = 0; i < 8; i++) await round();
    expect(most).toBe(8);
    capacity = 30;
    for (let i = 0; i < 60; i++) await round();
    expect(most).toBeGreaterThan(15);
    while (held.length > 0 || inFlight > 0) await round();
  });

  it('is asked nothing new that came to its turn too late, while what is under way goes on', async () => {
    const model = aJudgeModel();
    const guarded = anInstance()(model);
    const first = (until: number) => aJudgeRequest('first', { until });
    await guarded.complete(first(clock + 40_000));
    await expect(guarded.complete(first(clock + 39_999))).rejects.toMatchObject({
      name: 'JudgeOutOfTimeError',
      beganAt: clock,
    });
    const { messages } = aJudgeRequest();
    const later = (until: number) => aJudgeRequest('later', { until, messages: [...messages, ...messages] });
    await guarded.complete(later(clock + 1));
    await expect(guarded.complete(later(clock))).rejects.toMatchObject({ name: 'JudgeOutOfTimeError' });
    expect(model.asked).toHaveLength(2);
  });

  it('is not held to be down because of those who had no time left', async () => {
    const model = aJudgeModel((_, nth) =>
      nth > 20
        ? aJudgeAnswer()
        : Promise.reject(new JudgeOutOfTimeError('no time was left', { beganAt: clock - 1_000 })),
    );
    const guarded = anInstance()(model);
    for (let i = 0; i < 20; i++) await failed(guarded.complete(aJudgeRequest()));
    expect(await guarded.complete(aJudgeRequest())).toEqual(aJudgeAnswer());
  });

  it('is left alone for the time that it asks for', async () => {
    const { state, model } = aChangingModel();
    const guarded = anInstance()(model);
    state.does = () => throttled(7_000);
    await failed(guarded.complete(aJudgeRequest()));
    state.does = aJudgeAnswer;
    clock += 2_000;
    const refusal = await failed(guarded.complete(aJudgeRequest()));
    expect([refusal.reason, refusal.retryAfterMs]).toEqual(['throttled', 5_000]);
    clock += 5_000;
    expect(await guarded.complete(aJudgeRequest())).toEqual(aJudgeAnswer());
    expect(model.asked).toHaveLength(2);
  });

  it('that takes not even one call at a time is as good as down', async () => {
    const model = aJudgeModel(() => throttled());
    const guarded = anInstance(4)(model);
    for (let i = 0; i < 20; i++) {
      clock += 1;
      await failed(guarded.complete(aJudgeRequest()));
    }
    // 4, 2, then five times 1.
    expect(model.asked).toHaveLength(7);
  });

  it('is not waited for by more calls than will soon have their turn', async () => {
    const never = new Promise<JudgeAnswer>(() => {});
    const { state, model } = aChangingModel();
    const guarded = anInstance(2)(model);
    state.does = () => throttled();
    await failed(guarded.complete(aJudgeRequest()));
    state.does = () => never;
    const calls = Array.from({ length: 10 }, () => guarded.complete(aJudgeRequest()));
    const refused = await Promise.all(
      calls.map((call) =>
        Promise.race([call.catch(() => 1), new Promise((resolve) => setImmediate(() => resolve(0)))]),
      ),
    );
    // One under way, four that wait.
    expect(refused).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
  });
});

it('a call whose turn comes too late for the function that makes it is refused, and the next one has its turn', async () => {
  const answers: PromiseWithResolvers<JudgeAnswer>[] = [];
  const model = aJudgeModel(() => {
    const answer = Promise.withResolvers<JudgeAnswer>();
    answers.push(answer);
    return answer.promise;
  });
  const guarded = anInstance(1)(model);
  const first = guarded.complete(aJudgeRequest());
  const late = failed(guarded.complete(aJudgeRequest()));
  clock += 20_000;
  const inTime = guarded.complete(aJudgeRequest());
  await new Promise((resolve) => setImmediate(resolve));
  clock += 25_001;
  answers[0]?.resolve(aJudgeAnswer());
  await first;
  expect(await late).toMatchObject({ name: 'JudgeUnavailableError', reason: 'throttled', retryAfterMs: 5_000 });
  await new Promise((resolve) => setImmediate(resolve));
  expect(model.asked).toHaveLength(2);
  answers[1]?.resolve(aJudgeAnswer());
  expect(await inTime).toEqual(aJudgeAnswer());
});

describe('the decisions', () => {
  it('open only after failures, and never for longer than six minutes', () => {
    const step = fc.record({
      ms: fc.nat(400_000),
      fails: fc.boolean(),
      chance: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let [circuit, now, inARow] = [closed, noon, 0];
        for (const { ms, fails, chance } of steps) {
          now += ms;
          const decision = decideCall(circuit, now);
          if (decision.kind === 'wait') {
            expect(inARow).toBeGreaterThanOrEqual(5);
            expect(decision.until - now).toBeLessThanOrEqual(360_000);
            continue;
          }
          inARow = fails ? inARow + 1 : 0;
          circuit = fails ? afterFailure(circuit, { now, isProbe: decision.kind === 'probe', chance }) : closed;
          expect(circuit.openUntil > 0).toBe(inARow >= 5);
        }
      }),
    );
  });

  it('halve once for all calls that were throttled together, down to one, and grow by one a round up to the most', () => {
    const start = { limit: 50, decreasedAt: 0 };
    const once = afterThrottled(start, { startedAt: 5, now: 10 });
    expect(once.limit).toBe(25);
    expect(afterThrottled(once, { startedAt: 9, now: 12 })).toBe(once);
    expect(afterThrottled(once, { startedAt: 10, now: 12 }).limit).toBe(12);
    expect(afterThrottled({ limit: 1, decreasedAt: 0 }, { startedAt: 1, now: 2 }).limit).toBe(1);
    let grown = once;
    for (let i = 0; i < 25; i++) grown = afterAnswer(grown, 50);
    expect(grown.limit).toBeCloseTo(26, 0);
    for (let i = 0; i < 5_000; i++) grown = afterAnswer(grown, 50);
    expect(grown.limit).toBe(50);
  });
});
