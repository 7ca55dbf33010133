import { beforeAll, describe, expect, test } from 'vitest';
import { dynamoAssessmentStore } from '../../../shared/adapters/dynamo-assessment-store.ts';
import { dynamoTraceIndex } from '../../../shared/adapters/dynamo-trace-index.ts';
import type { TraceIndex } from '../../../shared/domain/ports.ts';
import { aBlockRef, aTraceBlock, aTraceId, aTraceInfo, noon, typicalFacts } from '../builders/a-trace-info.ts';
import { anAssessment } from '../builders/an-assessment.ts';
import type { Tables } from '../dynamo-tables.ts';

const times = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));

/** What the index of traces promises, on the engine that the tables lie in. */
export function describeTraceIndex(engine: string, tables: () => Tables): void {
  describe(`the trace index on ${engine}`, () => {
    let index: TraceIndex;

    beforeAll(() => {
      index = dynamoTraceIndex(tables().client, tables().traces, { retentionDays: 30 });
    });

    async function aFoundedTrace(given: Parameters<typeof aTraceInfo>[0] = {}) {
      const info = aTraceInfo(given);
      await index.foundTraces([info]);
      return info;
    }

    test('gives back the info of a trace as it was founded', async () => {
      const info = await aFoundedTrace({
        facts: { ...typicalFacts, sessionId: 's'.repeat(600), clientRequestId: 'request 1' },
        dueAt: noon + 5_000,
        decision: { rulesVersion: 3, decidedAt: noon, selected: ['safety'] },
      });
      const bare = await aFoundedTrace();
      const infos = await index.getInfos([info.traceId, bare.traceId, aTraceId()]);
      expect(infos).toEqual(
        new Map([
          [info.traceId, info],
          [bare.traceId, bare],
        ]),
      );
    });

    test('founds what is not there and leaves what is, answering in the order asked', async () => {
      const there = await aFoundedTrace({ facts: { name: 'first' } });
      const others = times(59, () => aTraceInfo());
      const again = { ...there, facts: { ...there.facts, name: 'second' } };
      const asked = [...others.slice(0, 30), again, ...others.slice(30)];
      const answers = await index.foundTraces(asked);
      expect(answers.map((answer, i) => (answer === 'exists' ? i : -1)).filter((i) => i >= 0)).toEqual([30]);
      const infos = await index.getInfos(asked.map(({ traceId }) => traceId));
      expect(infos.size).toBe(60);
      expect(infos.get(there.traceId)).toEqual(there);
    });

    test('lets one of many founders of a trace win', async () => {
      const traceId = aTraceId();
      const infos = times(20, (i) => aTraceInfo({ traceId, facts: { name: `founder ${i}` } }));
      const answers = (await Promise.all(infos.map((info) => index.foundTraces([info])))).flat();
      expect(answers.filter((answer) => answer === 'founded')).toHaveLength(1);
      expect((await index.getInfos([traceId])).get(traceId)).toEqual(infos[answers.indexOf('founded')]);
    });

    test('fails where an item is larger than DynamoDB takes', async () => {
      const info = aTraceInfo({ facts: { metadata: { large: 'x'.repeat(410 * 1024) } } });
      await expect(index.foundTraces([info])).rejects.toThrow('Item size has exceeded');
    });

    test('keeps further blocks once each, however often they are added', async () => {
      const info = await aFoundedTrace();
      const blocks = times(60, () => aTraceBlock(info.traceId));
      await index.addBlocks([...blocks.slice(0, 3), ...blocks]);
      await index.addBlocks(blocks.slice(50));
      const record = await index.readTrace(info.traceId);
      const byHash = (a: (typeof blocks)[number], b: (typeof blocks)[number]) => (a.block.hash < b.block.hash ? -1 : 1);
      expect(record?.unmerged.toSorted(byHash)).toEqual(blocks.toSorted(byHash));
      expect(record?.info).toEqual(info);
    });

    test('knows merged blocks from unmerged ones and from those never seen', async () => {
      const { traceId } = await aFoundedTrace();
      const [merged, unmerged, unknown] = [aTraceBlock(traceId), aTraceBlock(traceId), aTraceBlock(traceId)];
      await index.addBlocks([merged, unmerged]);
      await index.markMerged([merged]);
      expect(await index.knownBlocks([merged, unmerged, unknown, unmerged])).toEqual(
        new Map([
          [merged.block.hash, 'merged'],
          [unmerged.block.hash, 'unmerged'],
        ]),
      );
      expect((await index.readTrace(traceId))?.unmerged).toEqual([unmerged]);
    });

    test("keeps another experiment's blocks apart", async () => {
      const { traceId } = await aFoundedTrace();
      const foreign = aTraceBlock(traceId);
      await index.addBlocks([foreign], { foreignExperimentId: '8' });
      expect(await index.readTrace(traceId)).toMatchObject({ unmerged: [], foreignBlocks: [foreign] });
      expect(await index.knownBlocks([foreign])).toEqual(new Map());
    });

    test('marks a trace as unsettled once until the settling is due', async () => {
      const { traceId } = await aFoundedTrace();
      expect(await index.markUnsettled(traceId, { now: noon, dueAt: noon + 5_000 })).toBe(true);
      expect(await index.markUnsettled(traceId, { now: noon + 4_999, dueAt: noon + 9_999 })).toBe(false);
      expect(await index.markUnsettled(traceId, { now: noon + 5_000, dueAt: noon + 10_000 })).toBe(true);
      expect((await index.readTrace(traceId))?.unsettled).toBe(true);
      await index.clearUnsettled(traceId);
      expect((await index.readTrace(traceId))?.unsettled).toBe(false);
      expect(await index.markUnsettled(traceId, { now: noon, dueAt: noon + 5_000 })).toBe(true);
    });

    test('lets one of many arrivals mark a trace', async () => {
      const { traceId } = await aFoundedTrace();
      const marks = times(20, () => index.markUnsettled(traceId, { now: noon, dueAt: noon + 5_000 }));
      expect((await Promise.all(marks)).filter(Boolean)).toHaveLength(1);
    });

    test('does not make a trace of a mark', async () => {
      const traceId = aTraceId();
      expect(await index.markUnsettled(traceId, { now: noon, dueAt: noon + 5_000 })).toBe(false);
      await index.clearUnsettled(traceId);
      expect(await index.readTrace(traceId)).toBeUndefined();
    });

    test('replaces an info of the revision that was read, and no other', async () => {
      const info = await aFoundedTrace({ completeness: 'open', dueAt: noon + 5_000 });
      const { dueAt: _, ...settled } = { ...info, revision: 2, completeness: 'complete' as const };
      expect(await index.replaceInfo(settled, 2)).toBe(false);
      expect(await index.replaceInfo(settled, 1)).toBe(true);
      expect(await index.replaceInfo({ ...settled, revision: 3 }, 1)).toBe(false);
      expect((await index.readTrace(info.traceId))?.info).toEqual(settled);
    });

    test('does not replace an info while further blocks await their settling', async () => {
      const info = await aFoundedTrace();
      await index.markUnsettled(info.traceId, { now: noon, dueAt: noon + 5_000 });
      expect(await index.replaceInfo({ ...info, revision: 2 }, 1)).toBe(false);
      await index.clearUnsettled(info.traceId);
      expect(await index.replaceInfo({ ...info, revision: 2 }, 1)).toBe(true);
    });

    test('lets one of many settlings of a revision win', async () => {
      const info = await aFoundedTrace();
      const writes = times(20, (i) => index.replaceInfo({ ...info, revision: 2, lastArrivalAt: noon + i }, 1));
      const won = await Promise.all(writes);
      expect(won.filter(Boolean)).toHaveLength(1);
      expect((await index.readTrace(info.traceId))?.info.lastArrivalAt).toBe(noon + won.indexOf(true));
    });

    test('does not bring a trace back that is gone', async () => {
      const info = aTraceInfo();
      expect(await index.replaceInfo({ ...info, revision: 2 }, 1)).toBe(false);
      expect(await index.readTrace(info.traceId)).toBeUndefined();
    });

    test('reads a trace whose items fill several pages', async () => {
      const info = await aFoundedTrace();
      const assessments = times(8, () => anAssessment({ traceId: info.traceId, rationale: 'long '.repeat(60 * 1024) }));
      await dynamoAssessmentStore(tables().client, tables().traces, { retentionDays: 30 }).put(assessments);
      await index.addBlocks([aTraceBlock(info.traceId, aBlockRef('last'))]);
      const record = await index.readTrace(info.traceId);
      expect(record?.assessments).toHaveLength(8);
      expect(record?.info.assessmentIds).toHaveLength(8);
      expect({ ...record?.info, assessmentIds: undefined }).toEqual({ ...info, assessmentIds: undefined });
      expect(record?.unmerged).toHaveLength(1);
    });
  });
}
