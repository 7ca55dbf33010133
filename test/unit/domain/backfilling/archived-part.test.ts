import { describe, expect, it } from 'vitest';
import { createHandler } from '../../../../functions/plan-backfill/create-handler.ts';
import { archivedRange } from '../../../../shared/domain/backfilling/archived-part.ts';
import type { ArchivedPart, Backfill } from '../../../../shared/domain/backfilling/backfill.ts';
import { samplingCoordinate } from '../../../../shared/domain/sampling.ts';
import { BackfillExecution } from '../../../support/in-memory/backfill-execution.ts';
import { idOf } from '../../indexing/support.ts';
import { addsUp, aStackWithTraces } from './support.ts';

const day = 86_400_000;

describe('the archived part of a range', () => {
  const at = (from: number, to: number) => ({ experimentId: '7', from, to, createdAt: 100 * day }) as Backfill;

  it.each([
    ['young enough', [72 * day, 99 * day], 30, undefined],
    ['that begins where the hot store may have begun to forget', [71 * day, 99 * day], 30, undefined],
    ['a moment older', [71 * day - 1, 99 * day], 30, [71 * day - 1, 71 * day - 1]],
    ['older and younger', [10 * day, 99 * day], 30, [10 * day, 71 * day - 1]],
    ['older altogether', [10 * day, 20 * day], 30, [10 * day, 20 * day]],
    ['of a store that keeps traces for a day', [10 * day, 99 * day], 1, [10 * day, 99 * day]],
    ['of a store that keeps traces for a day, to this moment', [10 * day, 100 * day], 1, [10 * day, 99.5 * day - 1]],
  ] as const)('%s', (_, [from, to], retentionDays, expected) => {
    const range = archivedRange(at(from, to), retentionDays);
    expect(range && [range.from, range.to]).toEqual(expected);
  });
});

/** Of twenty traces that are five hours apart, those of the first two days are asked of the archive. */
async function someBackfill({ rate = 0.5, ...more }: { rate?: number; dry_run?: boolean } = {}) {
  const stack = await aStackWithTraces(20);
  const execution = new BackfillExecution(stack, { retentionDays: 3, beforeRound: () => stack.drain() });
  const plan = createHandler(execution.planning());
  const input = { experiment_id: '0', scorers: [{ name: 'length', sample_rate: rate }], start_time: 0, ...more };
  const call = (archive?: object) => plan({ execution: 'b', input, ...(archive && { archive }) });
  const resumed = (how: object, archive: object) =>
    plan({ execution: 'b-r2', input: { experiment_id: '0', backfill_id: 'b', ...how }, archive });
  const read = async () => stack.backfills.store.get({ experimentId: '0', backfillId: 'b' });
  return { stack, execution, call, resumed, read };
}

const rowsOf = (values: readonly (string | undefined)[]) => [
  { Data: values.map(() => ({ VarCharValue: 'name' })) },
  { Data: values.map((VarCharValue) => ({ VarCharValue })) },
];
const survey = rowsOf(['100', '60', '120', '2026-01-01', '2026-01-09', '25']);
const none = { survey: [], restoredBy: 0, tries: 0 };

describe('planning with an archived part', () => {
  it('asks, has restored, and plans', async () => {
    const { call, read } = await someBackfill();
    expect(await call(none)).toMatchObject({
      state: 'planning',
      next: 'survey',
      query: expect.stringContaining('SELECT'),
    });
    expect(await call({ ...none, survey })).toMatchObject({
      ...{ state: 'planning', next: 'restore', buckets: 1 },
      query: expect.stringContaining("TO 's3://store/unloaded/b/1-0/'"),
    });
    expect(await call({ ...none, survey, tries: 2 })).toMatchObject({
      query: expect.stringContaining('/unloaded/b/1-2/'),
    });
    expect(await call({ survey, restoredBy: 1, tries: 2 })).toMatchObject({ state: 'running', next: 'plan' });
    expect((await read())?.archived).toMatchObject({
      found: 100,
      notSampled: 60,
      open: [25],
      restoredAt: expect.any(Number),
    });
  });

  it('restores anew what an earlier attempt began, whose parts were left out once it was paused', async () => {
    const { call, execution, read, resumed } = await someBackfill();
    await call(none);
    await call({ ...none, survey });
    const { pauseBackfill, resumeBackfill } = await import('../../../../shared/domain/backfilling/change-backfill.ts');
    const ref = { experimentId: '0', backfillId: 'b' };
    await pauseBackfill(ref, { reason: 'wait', deps: execution.concluding() });
    await resumeBackfill(ref, { deps: execution.concluding() });
    // An execution comes back from its map, the rest of which found the backfill stopped.
    expect(await call({ survey, restoredBy: 1, tries: 0 })).toMatchObject({ state: 'superseded', next: 'plan' });
    expect(await resumed({ attempt: 1 }, { survey, restoredBy: 1, tries: 0 })).toMatchObject({ state: 'superseded' });
    expect(await resumed({ resume: true, attempt: 1 }, { survey, restoredBy: 1, tries: 0 })).toMatchObject({
      ...{ state: 'planning', next: 'restore', attempt: 2 },
      query: expect.stringContaining('/unloaded/b/2-0/'),
    });
    expect((await read())?.archived?.restoredAt).toBeUndefined();
    expect(await resumed({ attempt: 2 }, { survey, restoredBy: 2, tries: 0 })).toMatchObject({ state: 'running' });
  });

  it('asks again what an execution asked for that died before it knew, and not what is known', async () => {
    const { call } = await someBackfill();
    await call(none);
    expect(await call()).toMatchObject({ next: 'survey' });
    await call({ ...none, survey });
    expect(await call()).toMatchObject({ next: 'restore' });
  });

  it('restores nothing where nothing is sampled, or there is nothing', async () => {
    const { call } = await someBackfill();
    await call(none);
    const answer = await call({ ...none, survey: rowsOf(['7', '7', '0', undefined, undefined, '0']) });
    expect(answer).toMatchObject({ state: 'running', next: 'plan' });
  });

  it('restores nothing for a dry run, and predicts what the archive counted', async () => {
    const { call, read, stack } = await someBackfill({ rate: 1, dry_run: true });
    await call(none);
    expect(await call({ ...none, survey })).toMatchObject({ state: 'planned', next: 'plan' });
    const { plan, archived } = (await read()) ?? {};
    const young = [...stack.index.entries.values()].filter(({ info }) => info.facts.requestTime > (archived?.to ?? 0));
    expect(plan).toMatchObject({ traces: 100 + young.length, predictions: [{ evaluations: 25 + young.length }] });
  });

  it('is refused where more would have to be restored than can be held', async () => {
    const { call } = await someBackfill();
    await call(none);
    const huge = rowsOf(['9000000', '0', '10000001', '2026-01-01', '2026-01-09', '9000000']);
    expect(await call({ ...none, survey: huge })).toMatchObject({
      state: 'refused',
      message: expect.stringMatching(/10,000,001 spans, at most 10,000,000 .* split the range/),
    });
  });

  it('leaves a stopped one alone', async () => {
    const { call, execution, read, stack } = await someBackfill();
    await call(none);
    const { cancelBackfill } = await import('../../../../shared/domain/backfilling/change-backfill.ts');
    await cancelBackfill({ experimentId: '0', backfillId: 'b' }, { reason: 'enough', deps: execution.concluding() });
    expect(await call({ ...none, survey })).toMatchObject({ state: 'cancelled', next: 'plan' });
    expect((await read())?.archived).toBeUndefined();
    expect(stack.requested).toEqual([]);
  });
});

describe('the counts of a backfill with an archived part', () => {
  it('have every trace once: what is not sampled in the archive, what is sampled here', async () => {
    const { stack, execution, call, read } = await someBackfill();
    await call(none);
    const { archived: _, ...asked } = (await read()) ?? {};
    const range = archivedRange(asked as Backfill, 3) as { to: number };
    const old = [...stack.index.entries.values()].filter(({ info }) => info.facts.requestTime <= range.to);
    const unsampled = old.filter(({ info }) => samplingCoordinate(info.traceId) >= 0.5);
    expect([old.length, unsampled.length].every((n) => n > 0 && n < 20)).toBe(true);
    const counted = rowsOf([String(old.length), String(unsampled.length), '9', '2026-01-01', '2026-01-09', '1']);
    await call({ survey: counted, restoredBy: 0, tries: 0 });
    // One that is not sampled is still here: it is not counted twice.
    await call({ survey: counted, restoredBy: 1, tries: 0 });
    const finished = await execution.run((await read()) as Backfill);
    const [counts] = finished.counts ?? [];
    const sampled = Array.from({ length: 20 }, (_, n) => idOf(n)).filter((id) => samplingCoordinate(id) < 0.5);
    expect(counts).toMatchObject({ found: 20, notSampled: 20 - sampled.length, judged: sampled.length });
    expect(addsUp({ scorers: finished.counts ?? [] })).toBe(true);
    expect(finished.plan?.traces).toBe(20);
    expect((finished.archived as ArchivedPart).notSampled).toBe(unsampled.length);
  });
});
