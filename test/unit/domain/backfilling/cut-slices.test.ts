import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Slice } from '../../../../shared/domain/backfilling/backfill.ts';
import { cutSlices, readSlice } from '../../../../shared/domain/backfilling/cut-slices.ts';
import { aTraceInfo, noon } from '../../../support/builders/a-trace-info.ts';
import { traceIdOf } from '../../../support/in-memory/bodies.ts';
import { InMemoryBackfills } from '../../../support/in-memory/in-memory-backfills.ts';
import { InMemoryTraceIndex } from '../../../support/in-memory/in-memory-trace-index.ts';

const day = 86_400_000;
const range = { experimentId: '7', from: noon, to: noon + 10 * day };

function anIndex(minutes: readonly number[]) {
  const index = new InMemoryTraceIndex();
  const { slices } = new InMemoryBackfills(index);
  let made = 0;
  const add = (more: readonly number[]) =>
    index.foundTraces(
      more.map((minute) =>
        aTraceInfo({
          traceId: `tr-${traceIdOf(made++ * 7_919)}`,
          facts: { requestTime: noon + minute * 60_000 },
        }),
      ),
    );
  return { index, slices, add, ready: add(minutes) };
}

async function idsIn(all: readonly Slice[], slices: InMemoryBackfills['slices']): Promise<string[]> {
  const found: string[] = [];
  for (const slice of all)
    for await (const page of readSlice({ experimentId: '7', slice }, slices))
      found.push(...page.map(({ traceId }) => traceId));
  return found;
}

/** Ten days and an hour on either side; many at the same moment. */
const someMinutes = fc.array(
  fc.integer({ min: -60, max: 10 * 1_440 + 60 }).map((minute) => minute - (minute % 90)),
  {
    maxLength: 120,
  },
);

describe('the slices of a range', () => {
  it('hold each of its traces once, whatever arrives after they were cut', async () => {
    await fc.assert(
      fc.asyncProperty(someMinutes, someMinutes, fc.integer({ min: 1, max: 30 }), async (before, after, size) => {
        const { index, slices, add, ready } = anIndex(before);
        await ready;
        const cut = await cutSlices(range, { slices, size });
        await add(after);
        const inRange = [...index.entries.values()].flatMap(({ info: { traceId, facts } }) =>
          facts.requestTime >= range.from && facts.requestTime <= range.to ? traceId : [],
        );
        // Without any trace there is nothing to cut.
        const expected = cut.length === 0 ? [] : inRange;
        expect((await idsIn(cut, slices)).toSorted()).toEqual(expected.toSorted());
      }),
      { numRuns: 60 },
    );
  });

  it('are as large as they may be, over thin days, but for the last of each partition', async () => {
    const { slices, ready } = anIndex(Array.from({ length: 200 }, (_, i) => i * 72));
    await ready;
    const cut = await cutSlices(range, { slices, size: 20 });
    expect(cut.reduce((sum, { traces }) => sum + traces, 0)).toBe(200);
    expect(cut.map(({ id }) => id)).toEqual(cut.map((_, i) => i));
    expect(Math.max(...cut.map(({ traces }) => traces))).toBeLessThanOrEqual(20);
    expect(cut.length).toBeLessThanOrEqual(200 / 20 + slices.shards);
  });

  it('are none where there are no traces', async () => {
    const { slices, ready } = anIndex([-60, 20_000]);
    await ready;
    expect(await cutSlices(range, { slices, size: 20 })).toEqual([]);
  });
});
