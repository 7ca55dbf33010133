import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { isTransient } from './is-transient.ts';

interface Asked<T, R> {
  readonly items: readonly T[];
  readonly resolve: (results: readonly R[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Whoever asks so soon after a call was made is hardly the last, and waits as long for others: little beside what a judge takes. */
const gatherMs = 10;

/**
 * One call for all who ask while another is under way: traces that are judged side by side write side by side, and the CPU that AWS's SDK
 * takes goes by the call, not by the item. Who asks alone waits for nobody. `call` answers by position, or nothing. Where a call fails
 * for what one of them gave, each is called for alone.
 */
export function joinedCalls<T, R = never>(
  call: (items: readonly T[]) => Promise<readonly R[]>,
): (items: readonly T[]) => Promise<readonly R[]> {
  let waiting: Asked<T, R>[] = [];
  let isServing = false;
  let endedAt = Number.NEGATIVE_INFINITY;

  async function callFor(all: readonly Asked<T, R>[]): Promise<void> {
    try {
      const results = await call(all.flatMap(({ items }) => items));
      let at = 0;
      for (const { items, resolve } of all) {
        resolve(results.slice(at, at + items.length));
        at += items.length;
      }
    } catch (error) {
      if (all.length > 1 && !isTransient(error)) await Promise.all(all.map((each) => callFor([each])));
      else for (const { reject } of all) reject(error);
    }
  }

  async function serve(): Promise<void> {
    isServing = true;
    while (waiting.length > 0) {
      const isBusy = performance.now() - endedAt < gatherMs;
      // At least those who ask in the same turn of the event loop come along.
      await (isBusy ? sleep(gatherMs) : setImmediate());
      const all = waiting;
      waiting = [];
      await callFor(all);
      endedAt = performance.now();
    }
    isServing = false;
  }

  return (items) => {
    if (items.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      waiting.push({ items, resolve, reject });
      if (!isServing) void serve();
    });
  };
}
