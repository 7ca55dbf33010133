import { beforeAll, describe, expect, test } from 'vitest';
import { dynamoBackfillStore } from '../../../shared/adapters/dynamo-backfill-store.ts';
import { dynamoCoverageStore } from '../../../shared/adapters/dynamo-coverage-store.ts';
import { dynamoEvaluationReader } from '../../../shared/adapters/dynamo-evaluation-reader.ts';
import { dynamoEvaluationStore } from '../../../shared/adapters/dynamo-evaluation-store.ts';
import { queryItems } from '../../../shared/adapters/dynamo-query.ts';
import { dynamoSliceProgress } from '../../../shared/adapters/dynamo-slice-progress.ts';
import { dynamoTraceIndex } from '../../../shared/adapters/dynamo-trace-index.ts';
import { dynamoTraceSlices } from '../../../shared/adapters/dynamo-trace-slices.ts';
import type { Backfill, SliceProgress } from '../../../shared/domain/backfilling/backfill.ts';
import { nothingDecided, nothingEnded } from '../../../shared/domain/backfilling/backfill.ts';
import { cutSlices, readSlice } from '../../../shared/domain/backfilling/cut-slices.ts';
import { aTraceId, aTraceInfo, noon } from '../builders/a-trace-info.ts';
import type { Tables } from '../dynamo-tables.ts';

const hour = 3_600_000;

function aBackfill(given: Partial<Backfill> = {}): Backfill {
  return {
    backfillId: 'b1',
    experimentId: '31',
    revision: 1,
    scorers: [{ name: 'tone', version: 2, sampleRate: 0.5, filter: "status = 'OK'" }],
    from: noon,
    to: noon + hour,
    mode: 'missing',
    dryRun: false,
    maxConcurrency: 10,
    rulesVersion: 3,
    createdAt: noon,
    state: 'planning',
    stateAt: noon,
    attempt: 1,
    ...given,
  };
}

/** What backfills keep, and how they find the traces of a range. */
export function describeBackfills(engine: string, tables: () => Tables): void {
  describeSlices(engine, tables);
  describeStores(engine, tables);
  describeOutcomes(engine, tables);
}

function describeSlices(engine: string, tables: () => Tables): void {
  describe(`the slices of a range on ${engine}`, () => {
    const range = { experimentId: '30', from: noon, to: noon + 60 * hour };
    const slices = () => dynamoTraceSlices(tables().client, tables().traces);
    const infosAt = (hours: readonly number[]) =>
      hours.map((at) => aTraceInfo({ experimentId: '30', facts: { requestTime: noon + Math.round(at * hour) } }));
    const index = () => dynamoTraceIndex(tables().client, tables().traces, { retentionDays: 30 });
    const spread = Array.from({ length: 160 }, (_, i) => Math.floor(i / 4) * 1.7);

    test('hold each trace once, both ends of the range and what arrives later included', async () => {
      const outside = infosAt([-0.001, 60.001]);
      const inside = infosAt(spread.filter((at) => at <= 60));
      await index().foundTraces([...outside, ...inside]);
      const cut = await cutSlices(range, { slices: slices(), size: 7 });
      expect(cut.reduce((sum, { traces }) => sum + traces, 0)).toBe(inside.length);
      expect(Math.max(...cut.map(({ traces }) => traces))).toBe(7);
      const late = infosAt([0, 0.5, 1.7, 30, 59.9, 60]);
      await index().foundTraces(late);
      const found: string[] = [];
      for (const slice of cut)
        for await (const page of readSlice({ experimentId: '30', slice }, slices()))
          found.push(...page.map(({ traceId }) => traceId));
      expect(found.toSorted()).toEqual([...inside, ...late].map(({ traceId }) => traceId).toSorted());
    });

    test('are none of an experiment without traces, or a range before or behind them', async () => {
      const cut = (given: Partial<typeof range>) => cutSlices({ ...range, ...given }, { slices: slices(), size: 7 });
      expect(await cut({ experimentId: '39' })).toEqual([]);
      expect(await cut({ from: noon - 9 * hour, to: noon - hour })).toEqual([]);
      expect(await cut({ from: noon + 80 * hour, to: noon + 90 * hour })).toEqual([]);
    });
  });
}

function describeStores(engine: string, tables: () => Tables): void {
  describe(`the backfill store on ${engine}`, () => {
    const store = () => dynamoBackfillStore(tables().client, tables().registry);

    test('keeps the first of an id, and of two changes of one revision the first', async () => {
      const backfill = aBackfill({ maxCostUsd: 2.5 });
      const others = [aBackfill({ mode: 'all' }), aBackfill({ rulesVersion: 9 })];
      expect(await store().create(backfill)).toBe(true);
      expect(await Promise.all(others.map((other) => store().create(other)))).toEqual([false, false]);
      expect(await store().get(backfill)).toEqual(backfill);
      const changed = { ...backfill, revision: 2, state: 'running' as const };
      const both = await Promise.all([changed, { ...changed, stateAt: 5 }].map((one) => store().replace(one)));
      expect(both.filter(Boolean)).toHaveLength(1);
      expect(await store().get(backfill)).toMatchObject({ revision: 2, state: 'running' });
      expect(await store().get({ ...backfill, backfillId: 'none' })).toBeUndefined();
    });

    test('lists those of an experiment, newest first', async () => {
      const times = [noon + 2, noon + 3, noon + 1];
      for (const [i, createdAt] of times.entries())
        await store().create(aBackfill({ experimentId: '32', backfillId: `b${i}`, createdAt }));
      expect((await store().list('32')).map(({ backfillId }) => backfillId)).toEqual(['b1', 'b0', 'b2']);
      expect(await store().list('3')).toEqual([]);
    });

    test('has one book of claims, which one writer at a time continues', async () => {
      const none = await store().readClaims('33');
      expect(none).toEqual({ experimentId: '33', revision: 0, claims: [] });
      const claim = (backfillId: string) => ({ backfillId, scorers: [{ name: 'tone', version: 2 }], from: 1, to: 2 });
      const books = ['a', 'b'].map((id) => ({ ...none, revision: 1, claims: [claim(id)] }));
      const written = await Promise.all(books.map((book) => store().replaceClaims(book)));
      expect(written.filter(Boolean)).toHaveLength(1);
      expect(await store().readClaims('33')).toEqual(books[written.indexOf(true)]);
      expect(await store().replaceClaims({ ...none, revision: 2 })).toBe(true);
      expect((await store().readClaims('33')).claims).toEqual([]);
    });

    test('has a record of coverage for each scorer version and backfill', async () => {
      const coverage = dynamoCoverageStore(tables().client, tables().registry);
      const about = { experimentId: '34', backfillId: 'b1', from: 1, to: 2, finishedAt: noon };
      const tone = { name: 'tone', version: 2, sampleRate: 0.5, filter: "status = 'OK'", ...about };
      await coverage.put([tone, { ...about, name: 'tone', version: 3, sampleRate: 1 }]);
      await coverage.put([{ ...tone, finishedAt: noon + 1 }]);
      const { client, registry } = tables();
      const items = await queryItems(client, {
        table: registry,
        pk: 'experiment#34',
        prefix: 'coverage#',
        consistent: true,
      });
      expect(items).toMatchObject([
        { name: 'tone', version: 2, sampleRate: 0.5, filter: "status = 'OK'", finishedAt: noon + 1 },
        { name: 'tone', version: 3, sampleRate: 1, backfillId: 'b1' },
      ]);
    });
  });
}

function describeOutcomes(engine: string, tables: () => Tables): void {
  describe(`what backfills count on ${engine}`, () => {
    let progress: ReturnType<typeof dynamoSliceProgress>;
    beforeAll(() => {
      progress = dynamoSliceProgress(tables().client, tables().traces, { retentionDays: 30, now: () => noon });
    });

    test('is kept slice by slice, overwritten and listed in their order', async () => {
      const slice = (sliceId: number, usd: number): SliceProgress => ({
        sliceId,
        attempt: 1,
        decided: [{ ...nothingDecided, enqueued: 5 }],
        ended: [nothingEnded],
        usd,
        tokens: 7,
      });
      expect(await progress.get('b1', 0)).toBeUndefined();
      for (const sliceId of [11, 2, 0]) await progress.put('b1', slice(sliceId, 0));
      await progress.put('b1', slice(2, 0.000_000_001));
      await progress.put('b10', slice(5, 0));
      expect(await progress.get('b1', 2)).toEqual(slice(2, 0.000_000_001));
      const listed: SliceProgress[] = [];
      for await (const one of progress.list('b1')) listed.push(one);
      expect(listed).toEqual([slice(0, 0), slice(2, 0.000_000_001), slice(11, 0)]);
    });

    test('are outcomes, read for many traces at once', async () => {
      const outcomes = dynamoEvaluationStore(tables().client, tables().traces, { retentionDays: 30 });
      const ids = Array.from({ length: 130 }, () => aTraceId());
      const outcome = (traceId: string) => ({
        traceId,
        scorerName: 'tone',
        scorerVersion: 2,
        state: 'done' as const,
        revision: 1,
        finishedAt: noon,
        backfillId: 'b1',
        spent: { usd: 0.25, tokens: 12 },
      });
      await outcomes.put(ids.slice(0, 120).map(outcome));
      const reader = dynamoEvaluationReader(tables().client, tables().traces);
      const keys = ids.map((traceId) => ({ traceId, scorerName: 'tone', scorerVersion: 2 }));
      const read = await reader.outcomesOf([...keys, { ...(keys[0] as (typeof keys)[number]), scorerVersion: 3 }]);
      const byId = (a: { traceId: string }, b: { traceId: string }) => (a.traceId < b.traceId ? -1 : 1);
      expect(read.toSorted(byId)).toEqual(ids.slice(0, 120).map(outcome).toSorted(byId));
    });
  });
}
