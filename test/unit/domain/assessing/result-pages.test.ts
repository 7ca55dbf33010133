import { expect, it } from 'vitest';
import { readResultPage } from '../../../../shared/domain/assessing/run-results.ts';
import type { Backfill, SliceDecision } from '../../../../shared/domain/backfilling/backfill.ts';
import { idOf } from '../../indexing/support.ts';

const run = { backfillId: 'run-1', scorers: [{ name: 'tone', version: 1, sampleRate: 1 }] } as unknown as Backfill;

it('a page of results ends where much was searched for it, too, and the next goes on there', async () => {
  const found = 1_042;
  let reads = 0;
  const decisions = {
    get: async (_: unknown, slice: number): Promise<SliceDecision> => {
      reads++;
      const unfit = slice === found ? [{ traceId: idOf(1), fate: 'incomplete' as const }] : [];
      return { decided: [], wanted: [], unfit };
    },
  };
  const deps = { decisions, index: { readTrace: async () => undefined }, now: () => 0 };
  const slices = Array.from({ length: 1_100 }, (_, slice) => slice);
  let token: string | undefined;
  const results: string[] = [];
  const pages: number[] = [];
  do {
    reads = 0;
    const page = await readResultPage(run, { token, slices, deps });
    results.push(...page.results.map(({ traceId }) => traceId));
    pages.push(reads);
    token = page.next;
  } while (token !== undefined);
  expect(results).toEqual([idOf(1)]);
  expect(Math.max(...pages)).toBeLessThanOrEqual(200);
  expect(pages.reduce((sum, count) => sum + count, 0)).toBe(1_100);
});
