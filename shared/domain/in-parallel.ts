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

/** Runs what it is given while the sizes of all that runs stay within the limit, in the order in which it came; what is larger runs alone. */
export function takingRoom(limit: number): <T>(size: number, task: () => Promise<T>) => Promise<T> {
  const waiting: { readonly size: number; readonly enter: () => void }[] = [];
  let taken = 0;
  const letIn = () => {
    for (let next = waiting[0]; next && (taken === 0 || taken + next.size <= limit); next = waiting[0]) {
      waiting.shift();
      taken += next.size;
      next.enter();
    }
  };
  return async (size, task) => {
    await new Promise<void>((enter) => {
      waiting.push({ size, enter });
      letIn();
    });
    try {
      return await task();
    } finally {
      taken -= size;
      letIn();
    }
  };
}
