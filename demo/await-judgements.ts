import { setTimeout as delay } from 'node:timers/promises';
import type { AssayApi, TraceInfo } from './assay-api.ts';
import type { Expectation } from './expected-judgements.ts';
import { judgementsOf } from './judgements.ts';

const pollMs = 500;
/** Without a new assessment for so long, none will come: the settle delay is 5 s, a judge whose model failed is asked again after 5 s, then after 10 s. */
const defaultPatienceMs = 20_000;

/**
 * Waits until every expected assessment is there and no message is pending, so that one too many would be there as well.
 * Gives up without an error where nothing moves any more: the reconciliation then says what is missing.
 */
export async function awaitJudgements(
  expectations: readonly Expectation[],
  {
    api,
    pending,
    onProgress,
    patienceMs = defaultPatienceMs,
  }: {
    api: Pick<AssayApi, 'searchAll'>;
    pending(): Promise<number>;
    onProgress(judged: number, expected: number): void;
    patienceMs?: number;
  },
): Promise<readonly TraceInfo[]> {
  const expected = expectations.reduce((sum, { selected }) => sum + selected.size, 0);
  let best = 0;
  for (let movedAt = Date.now(); ; ) {
    const idle = (await pending()) === 0;
    const found = await api.searchAll();
    const judged = found.reduce((sum, trace_info) => sum + judgementsOf({ trace_info }).length, 0);
    onProgress(judged, expected);
    if ((idle && judged >= expected) || Date.now() - movedAt > patienceMs) return found;
    if (judged > best) [best, movedAt] = [judged, Date.now()];
    await delay(pollMs);
  }
}
