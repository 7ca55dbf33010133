import { expect, it } from 'vitest';
import { fromBackfillItem, toBackfillItem } from '../../../shared/contracts/backfill-items.ts';
import type { Backfill } from '../../../shared/domain/backfilling/backfill.ts';

const stateAt = Date.UTC(2026, 10, 21);

const aBackfill = (given: Partial<Backfill> = {}): Backfill => ({
  ...{ backfillId: 'b1', experimentId: '7', revision: 3, scorers: [{ name: 'tone', version: 2, sampleRate: 1 }] },
  ...{ from: 1, to: 2, mode: 'all', dryRun: false, maxConcurrency: 10, rulesVersion: 1, createdAt: 5 },
  ...{ state: 'finished', stateAt, attempt: 1, ...given },
});

it.each(['named', 'found'] as const)(
  'a run on demand of traces that were %s is forgotten 90 days after its end',
  (onDemand) => {
    const run = aBackfill({ onDemand });
    const item = toBackfillItem(run);
    expect(item.expiresAt).toBe(stateAt / 1000 + 90 * 86_400);
    expect(fromBackfillItem(item)).toEqual(run);
  },
);

it('a backfill is kept', () => {
  expect(toBackfillItem(aBackfill())).not.toHaveProperty('expiresAt');
});
