import { crc32 } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { dynamoDueWork } from '../../../shared/adapters/dynamo-due-work.ts';
import { dynamoTraceIndex } from '../../../shared/adapters/dynamo-trace-index.ts';
import { dynamoTraceSearch } from '../../../shared/adapters/dynamo-trace-search.ts';
import { timeShards } from '../../../shared/contracts/trace-item.ts';
import { openWorkShards } from '../../../shared/domain/open-work.ts';
import type { DueWork, TimeQuery, TraceIndex, TraceSearch } from '../../../shared/domain/ports.ts';
import { aTraceId, aTraceInfo, noon } from '../builders/a-trace-info.ts';
import type { Tables } from '../dynamo-tables.ts';

const hour = 3_600_000;

function aTraceIdOfShard(shard: number): string {
  for (;;) {
    const traceId = aTraceId();
    if (crc32(traceId) % timeShards === shard) return traceId;
  }
}

/** Finding traces by what is due and by time: the indexes of the traces table. */
export function describeFindingTraces(engine: string, tables: () => Tables): void {
  describe(`due work on ${engine}`, () => {
    let index: TraceIndex;
    let dueWork: DueWork;

    beforeAll(() => {
      index = dynamoTraceIndex(tables().client, tables().traces, { retentionDays: 30 });
      dueWork = dynamoDueWork(tables().client, tables().traces);
    });

    async function due(now: number, limit = 100): Promise<string[][]> {
      const shards = Array.from({ length: openWorkShards }, (_, shard) => dueWork.listTraces(shard, { now, limit }));
      return (await Promise.all(shards)).map((ids) => [...ids]);
    }

    test('lists what is due, each trace in one shard, the most overdue first', async () => {
      const infos = Array.from({ length: 12 }, (_, i) => aTraceInfo({ completeness: 'open', dueAt: noon + i }));
      await index.foundTraces([...infos.toReversed(), aTraceInfo()]);
      const shards = await due(noon + 9);
      const dueAt = new Map(infos.map((info) => [info.traceId, info.dueAt ?? 0]));
      expect(shards.flat().toSorted()).toEqual(
        infos
          .slice(0, 10)
          .map(({ traceId }) => traceId)
          .toSorted(),
      );
      for (const ids of shards) {
        const order = ids.map((id) => dueAt.get(id) ?? 0);
        expect(order).toEqual(order.toSorted((a, b) => a - b));
      }
      expect((await due(noon + 9, 1)).every((ids, i) => ids.length <= 1 && ids[0] === shards[i]?.[0])).toBe(true);
      await Promise.all(infos.map(({ dueAt: _, ...info }) => index.replaceInfo({ ...info, revision: 2 }, 1)));
      expect((await due(noon + hour)).flat()).toEqual([]);
    });

    test('finds a marked trace some time after its settling was due, not before', async () => {
      const info = aTraceInfo();
      await index.foundTraces([info]);
      await index.markUnsettled(info.traceId, { now: noon, dueAt: noon + 5_000 });
      expect((await due(noon + 5_000)).flat()).toEqual([]);
      expect((await due(noon + 125_000)).flat()).toEqual([info.traceId]);
      await index.clearUnsettled(info.traceId);
      expect((await due(noon + 125_000)).flat(), 'until the info is replaced').toEqual([info.traceId]);
    });
  });

  describe(`search by time on ${engine}`, () => {
    let search: TraceSearch;
    const times = Array.from({ length: 40 }, (_, i) => noon + i * hour);
    const infos = times.map((requestTime) => aTraceInfo({ experimentId: '21', facts: { requestTime } }));
    const other = aTraceInfo({ experimentId: '22', facts: { requestTime: noon + hour / 2 } });
    const everything = { experimentIds: ['21'], from: 0, to: Number.MAX_SAFE_INTEGER, limit: 100 };
    const newestFirst = infos.map(({ traceId }) => traceId).toReversed();

    beforeAll(async () => {
      search = dynamoTraceSearch(tables().client, tables().traces);
      const index = dynamoTraceIndex(tables().client, tables().traces, { retentionDays: 30 });
      await index.foundTraces([...infos, other]);
    });

    const idsOf = async (query: Partial<TimeQuery>) =>
      (await search.find({ ...everything, ...query })).map(({ traceId }) => traceId);

    test('finds the traces of an experiment newest first, over shards and days', async () => {
      expect(await idsOf({})).toEqual(newestFirst);
      expect(await idsOf({ limit: 7 })).toEqual(newestFirst.slice(0, 7));
    });

    test('takes both ends of a range of time', async () => {
      expect(await idsOf({ from: times[3] ?? 0, to: times[30] ?? 0 })).toEqual(newestFirst.slice(9, 37));
      expect(await idsOf({ from: (times[3] ?? 0) + 1, to: (times[30] ?? 0) - 1 })).toEqual(newestFirst.slice(10, 36));
    });

    test('searches several experiments as one', async () => {
      expect(await idsOf({ experimentIds: ['21', '22'], to: times[1] ?? 0 })).toEqual([
        infos[1]?.traceId,
        other.traceId,
        infos[0]?.traceId,
      ]);
      expect(await idsOf({ experimentIds: ['23'] })).toEqual([]);
    });

    test('finds them all where one partition has most', async () => {
      const index = dynamoTraceIndex(tables().client, tables().traces, { retentionDays: 30 });
      const facts = (minute: number) => ({ requestTime: noon + minute * 60_000 });
      const many = Array.from({ length: 90 }, (_, i) =>
        aTraceInfo({ experimentId: '25', traceId: aTraceIdOfShard(2), facts: facts(i) }),
      );
      const few = Array.from({ length: 9 }, (_, i) =>
        aTraceInfo({ experimentId: '26', traceId: aTraceIdOfShard(i % 4), facts: facts(10 * i) }),
      );
      await index.foundTraces([...many, ...few]);
      const oldestFirst = [...many, ...few]
        .toSorted((a, b) => a.facts.requestTime - b.facts.requestTime || (a.traceId < b.traceId ? -1 : 1))
        .map(({ traceId }) => traceId);
      const both = { experimentIds: ['25', '26'] };
      for (const limit of [1, 7, 40, 98, 99, 100]) {
        expect(await idsOf({ ...both, limit })).toEqual(oldestFirst.toReversed().slice(0, limit));
        expect(await idsOf({ ...both, limit, ascending: true })).toEqual(oldestFirst.slice(0, limit));
      }
      const [third] = (await search.find({ ...everything, ...both, limit: 3 })).slice(-1);
      expect(await idsOf({ ...both, limit: 50, before: third?.position })).toEqual(
        oldestFirst.toReversed().slice(3, 53),
      );
    });

    test('shows each trace on one page, while newer ones arrive', async () => {
      const index = dynamoTraceIndex(tables().client, tables().traces, { retentionDays: 30 });
      const seen: string[] = [];
      let before: string | undefined;
      for (;;) {
        const page = await search.find({ ...everything, limit: 9, before });
        if (page.length === 0) break;
        seen.push(...page.map(({ traceId }) => traceId));
        before = page.at(-1)?.position;
        await index.foundTraces([aTraceInfo({ experimentId: '21', facts: { requestTime: noon + 50 * hour } })]);
      }
      expect(seen).toEqual(newestFirst);
    });

    test('shows traces of one millisecond on one page each', async () => {
      const index = dynamoTraceIndex(tables().client, tables().traces, { retentionDays: 30 });
      const twins = Array.from({ length: 10 }, () => aTraceInfo({ experimentId: '24' }));
      await index.foundTraces(twins);
      const first = await search.find({ ...everything, experimentIds: ['24'], limit: 4 });
      const rest = await search.find({ ...everything, experimentIds: ['24'], before: first.at(-1)?.position });
      const seen = [...first, ...rest].map(({ traceId }) => traceId);
      expect(seen).toEqual(
        twins
          .map(({ traceId }) => traceId)
          .toSorted()
          .toReversed(),
      );
    });
  });
}
