import { describe, expect, it } from 'vitest';
import { joinedCalls } from '../../../shared/adapters/joined-calls.ts';

/** Calls that answer what they were given, doubled, when they are let go. */
function aService({ refuses = () => undefined }: { refuses?: (items: readonly number[]) => Error | undefined } = {}) {
  const calls: (readonly number[])[] = [];
  const ask = joinedCalls(async (items: readonly number[]) => {
    calls.push(items);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const error = refuses(items);
    if (error) throw error;
    return items.map((item) => item * 2);
  });
  return { calls, ask };
}

const throttled = Object.assign(new Error('slow down'), { name: 'ThrottlingException' });

describe('joined calls', () => {
  it('are one call for all who ask at once, each of whom gets what is theirs', async () => {
    const { calls, ask } = aService();
    expect(await Promise.all([ask([1, 2]), ask([]), ask([3])])).toEqual([[2, 4], [], [6]]);
    expect(calls).toEqual([[1, 2, 3]]);
  });

  it('take what comes while they are under way in the next call, and leave nobody waiting', async () => {
    const { calls, ask } = aService();
    const answers = [ask([0])];
    for (let i = 1; i < 50; i++) {
      await new Promise((resolve) => setImmediate(resolve));
      answers.push(ask([i]));
    }
    expect((await Promise.all(answers)).flat()).toEqual(Array.from({ length: 50 }, (_, i) => i * 2));
    expect(calls.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(calls.length).toBeLessThan(25);
    expect(await ask([100])).toEqual([200]);
  });

  it('fail for the one whose items they fail by, and not for its neighbours', async () => {
    const tooLarge = new Error('item 2 is too large');
    const { calls, ask } = aService({ refuses: (items) => (items.includes(2) ? tooLarge : undefined) });
    const ended = await Promise.allSettled([ask([1]), ask([2]), ask([3])]);
    expect(ended).toEqual([
      { status: 'fulfilled', value: [2] },
      { status: 'rejected', reason: tooLarge },
      { status: 'fulfilled', value: [6] },
    ]);
    expect(calls).toHaveLength(4);
  });

  it('are not made one by one where the service is throttled: whoever asked comes back', async () => {
    const { calls, ask } = aService({ refuses: () => throttled });
    const ended = await Promise.allSettled([ask([1]), ask([2])]);
    expect(ended.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(calls).toHaveLength(1);
  });
});
