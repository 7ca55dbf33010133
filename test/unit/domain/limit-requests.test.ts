import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requestLimiter } from '../../../shared/domain/limit-requests.ts';

const second = 1_700_000_000;

/** Instances that share counts and a clock; `asked` tells how often the counts were. */
function instances(n: number) {
  const counted = new Map<string, number>();
  const state = { nowMs: second * 1000, asked: 0 };
  const counts = {
    async add({ keyHash, second: at, requests }: { keyHash: string; second: number; requests: number }) {
      state.asked++;
      const before = counted.get(`${keyHash}#${at}`) ?? 0;
      counted.set(`${keyHash}#${at}`, before + requests);
      return before;
    },
  };
  const limiters = Array.from({ length: n }, () => requestLimiter({ counts, now: () => state.nowMs }));
  const ask = (i: number, perSecond: number, keyHash = 'k') =>
    (limiters[i % n] as (typeof limiters)[number])({ keyHash, perSecond });
  return { state, ask };
}

async function served(asks: readonly (() => Promise<boolean>)[]): Promise<number> {
  let count = 0;
  for (const ask of asks) if (await ask()) count++;
  return count;
}

const times = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));

describe('a rate limit', () => {
  it('serves one instance exactly what it allows in a second, and as much again in the next', async () => {
    const { ask, state } = instances(1);
    for (let i = 0; i < 3; i++) {
      expect(await served(times(150, () => () => ask(0, 100)))).toBe(100);
      state.nowMs += 1000;
    }
  });

  it('is kept over all instances, at once or in turn, and is not refused before half of it is served', async () => {
    const run = fc.record({
      instances: fc.integer({ min: 1, max: 12 }),
      perSecond: fc.integer({ min: 1, max: 200 }),
      who: fc.array(fc.nat(11), { minLength: 1, maxLength: 400 }),
      atOnce: fc.integer({ min: 1, max: 20 }),
    });
    await fc.assert(
      fc.asyncProperty(run, async ({ instances: n, perSecond, who, atOnce }) => {
        const { ask } = instances(n);
        const answers: boolean[] = [];
        for (let i = 0; i < who.length; i += atOnce)
          answers.push(...(await Promise.all(who.slice(i, i + atOnce).map((instance) => ask(instance, perSecond)))));
        expect(answers.filter(Boolean).length).toBeLessThanOrEqual(perSecond);
        // An instance of Lambda has one request at a time: only then is what it holds no more than what it used.
        if (atOnce > 1) return;
        const refusedAfter = answers.indexOf(false);
        if (refusedAfter >= 0) expect(refusedAfter).toBeGreaterThanOrEqual(Math.floor(perSecond / 2));
      }),
    );
  });

  it('costs one write for twenty requests where there are many', async () => {
    const { ask, state } = instances(1);
    await served(times(1000, () => () => ask(0, 1000)));
    // Steps of 1, 1, 2, 4, 8, 16, 32, then 50.
    expect(state.asked).toBe(26);
  });

  it('is not asked for again in a second that is exhausted', async () => {
    const { ask, state } = instances(2);
    await served(times(30, () => () => ask(0, 10)));
    expect(state.asked).toBe(10);
    await served(times(30, () => () => ask(1, 10)));
    expect(state.asked).toBe(11);
    await served(times(30, () => () => ask(1, 10)));
    expect(state.asked).toBe(11);
    state.nowMs += 999;
    expect(await ask(1, 10)).toBe(false);
    expect(state.asked).toBe(11);
    state.nowMs += 1;
    expect(await ask(1, 10)).toBe(true);
  });

  it('is one for each key', async () => {
    const { ask } = instances(1);
    expect(await served(times(5, () => () => ask(0, 2)))).toBe(2);
    expect(await served(times(5, () => () => ask(0, 3, 'other')))).toBe(3);
  });
});
