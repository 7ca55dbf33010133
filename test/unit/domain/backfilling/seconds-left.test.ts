import { expect, it } from 'vitest';
import type { Backfill, ScorerCounts } from '../../../../shared/domain/backfilling/backfill.ts';
import { secondsLeft } from '../../../../shared/domain/backfilling/conclude-backfill.ts';

const nothing = { filtered: 0, notSampled: 0, alreadyDone: 0, incomplete: 0, held: 0, cancelled: 0, deleted: 0 };
const counts = (judged: number, pending: number): ScorerCounts => ({
  ...nothing,
  ...{ found: judged + pending, failed: 0, judged, pending },
});
const plan = { slicesKey: 'slices', slices: 2, traces: 100, predictions: [] };

it.each([
  ['not while slices are still to be asked for', 'running', { slicesEnqueued: 1, scorers: [counts(10, 0)] }, undefined],
  ['not before anything was judged', 'running', { slicesEnqueued: 2, scorers: [counts(0, 90)] }, undefined],
  ['at the rate so far', 'running', { slicesEnqueued: 2, scorers: [counts(10, 90)] }, 540],
  ['nothing when nothing is left', 'running', { slicesEnqueued: 2, scorers: [counts(100, 0)] }, 0],
  ['not of one that is paused', 'paused', { slicesEnqueued: 2, scorers: [counts(10, 90)] }, undefined],
] as const)('the time left is told %s', (_, state: Backfill['state'], progress, expected) => {
  expect(secondsLeft({ state, stateAt: 0, plan }, { progress, now: 60_000 })).toBe(expected);
});
