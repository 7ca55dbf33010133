/** Runs `task` on every item, at most `limit` at once, and answers how each ended, in the order of the items. */
export async function settleInParallel<T, R>(
  items: readonly T[],
  { limit, task }: { limit: number; task: (item: T) => Promise<R> },
): Promise<readonly PromiseSettledResult<R>[]> {
  const results: PromiseSettledResult<R>[] = [];
  const pending = items.entries();
  const worker = async () => {
    for (const [i, item] of pending) {
      [results[i]] = (await Promise.allSettled([task(item)])) as [PromiseSettledResult<R>];
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}

/** What the tasks answered; throws the first failure. */
export function valuesOf<T>(results: readonly PromiseSettledResult<T>[]): readonly T[] {
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

/** Runs what it is given, at most `limit` at once; the others wait for their turn. */
export function takingTurns(limit: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (task) => {
    if (running < limit) running++;
    // Whoever ends hands over its place.
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}
