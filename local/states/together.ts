import { Interruption } from './state-error.ts';

/** Does all of it, so many at a time, and answers the results in order; the first failure interrupts the rest and is thrown. */
export async function together<T>(
  work: readonly ((signal: AbortSignal) => Promise<T>)[],
  { signal, limit }: { signal: AbortSignal; limit: number },
): Promise<readonly T[]> {
  const failed = new AbortController();
  const inner = AbortSignal.any([signal, failed.signal]);
  const results: T[] = [];
  let next = 0;
  const worker = async () => {
    while (next < work.length) {
      const i = next++;
      inner.throwIfAborted();
      results[i] = await (work[i] as (typeof work)[number])(inner);
    }
  };
  const workers = Array.from({ length: Math.min(limit, work.length) }, async () => {
    try {
      await worker();
    } catch (error) {
      failed.abort(new Interruption('sibling-failed'));
      throw error;
    }
  });
  const outcomes = await Promise.allSettled(workers);
  signal.throwIfAborted();
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
  const first = failures.find((reason) => !(reason instanceof Interruption && reason.kind === 'sibling-failed'));
  if (failures.length > 0) throw first ?? failures[0];
  return results;
}
