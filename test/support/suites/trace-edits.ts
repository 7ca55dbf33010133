import { beforeAll, describe, expect, test } from 'vitest';
import { dynamoAssessmentStore } from '../../../shared/adapters/dynamo-assessment-store.ts';
import { dynamoDueWork } from '../../../shared/adapters/dynamo-due-work.ts';
import { dynamoTraceEditor } from '../../../shared/adapters/dynamo-trace-editor.ts';
import { dynamoTraceIndex } from '../../../shared/adapters/dynamo-trace-index.ts';
import { dynamoTraceRemover } from '../../../shared/adapters/dynamo-trace-remover.ts';
import { dynamoTraceSearch } from '../../../shared/adapters/dynamo-trace-search.ts';
import { withStatement } from '../../../shared/domain/explicit-facts.ts';
import { openWorkShards } from '../../../shared/domain/open-work.ts';
import type {
  AssessmentStore,
  TraceEditor,
  TraceIndex,
  TraceRemover,
  TraceSearch,
} from '../../../shared/domain/ports.ts';
import type { TraceInfo } from '../../../shared/domain/trace.ts';
import { aTraceBlock, aTraceInfo, noon } from '../builders/a-trace-info.ts';
import { anAssessment } from '../builders/an-assessment.ts';
import type { Tables } from '../dynamo-tables.ts';

const mark = { now: noon, dueAt: noon + 5_000 };

/** What is said of traces beside their spans, and their deletion. */
export function describeTraceEdits(engine: string, tables: () => Tables): void {
  let index: TraceIndex;
  let editor: TraceEditor;
  let remover: TraceRemover;
  let search: TraceSearch;
  let assessments: AssessmentStore;

  beforeAll(() => {
    const { client, traces } = tables();
    const options = { retentionDays: 30 };
    index = dynamoTraceIndex(client, traces, options);
    editor = dynamoTraceEditor(client, traces, options);
    remover = dynamoTraceRemover(client, traces, options);
    search = dynamoTraceSearch(client, traces);
    assessments = dynamoAssessmentStore(client, traces, options);
  });

  async function due(now: number): Promise<readonly string[]> {
    const work = dynamoDueWork(tables().client, tables().traces);
    const shards = Array.from({ length: openWorkShards }, (_, shard) => work.listTraces(shard, { now, limit: 1_000 }));
    return (await Promise.all(shards)).flat();
  }

  async function aFoundTrace(given: Parameters<typeof aTraceInfo>[0] = {}): Promise<TraceInfo> {
    const info = aTraceInfo(given);
    await index.foundTraces([info]);
    return info;
  }

  async function current({ traceId }: TraceInfo): Promise<TraceInfo | undefined> {
    return (await index.getInfos([traceId])).get(traceId);
  }

  describe(`edits of traces on ${engine}`, () => {
    test('found a trace once, marked for settling', async () => {
      const info = withStatement(aTraceInfo({ blocks: [], completeness: 'open' }), {
        tags: { environment: 'production' },
        removedTags: ['a'],
        spanCount: 3,
      });
      expect(await editor.found(info, mark)).toBe(true);
      expect(await editor.found(info, mark)).toBe(false);
      expect(await index.foundTraces([info])).toEqual(['exists']);
      const record = await index.readTrace(info.traceId);
      expect(record?.info).toEqual({ ...info, dueAt: mark.dueAt + 20_000 });
      expect(record?.unsettled).toBe(true);
      expect(await due(mark.dueAt + 20_000)).toContain(info.traceId);
    });

    test('amend the revision that was read and no other, marked or not', async () => {
      const info = await aFoundTrace();
      const first = { ...withStatement(info, { tags: { a: '1' } }), revision: 2 };
      expect(await editor.amend(first, { expectedRevision: 1, mark })).toBe('marked');
      expect(await editor.amend(first, { expectedRevision: 1, mark })).toBe('conflict');
      const second = { ...withStatement(first, { tags: { b: '2' } }), revision: 3 };
      expect(await editor.amend(second, { expectedRevision: 2, mark })).toBe('amended');
      expect((await current(info))?.facts.tags).toEqual({ a: '1', b: '2' });
      // Its message has been lost meanwhile.
      const third = { ...withStatement(second, { tags: { c: '3' } }), revision: 4 };
      const late = { now: mark.dueAt + 1, dueAt: mark.dueAt + 5_001 };
      expect(await editor.amend(third, { expectedRevision: 3, mark: late })).toBe('marked');
    });

    test('hold a settling off until it has read what was said', async () => {
      const info = await aFoundTrace();
      const said = { ...withStatement(info, { facts: { state: 'ERROR' } }), revision: 2 };
      await editor.amend(said, { expectedRevision: 1, mark });
      expect(await index.replaceInfo({ ...info, revision: 2 }, 1)).toBe(false);
      await index.clearUnsettled(info.traceId);
      expect(await index.replaceInfo({ ...said, revision: 3 }, 2)).toBe(true);
      expect(await current(info)).toEqual({ ...said, revision: 3 });
    });

    test('leave the ids of assessments alone', async () => {
      const info = await aFoundTrace();
      const assessment = anAssessment({ traceId: info.traceId });
      await assessments.put([assessment]);
      await editor.amend({ ...withStatement(info, { tags: { a: '1' } }), revision: 2 }, { expectedRevision: 1, mark });
      expect((await current(info))?.assessmentIds).toEqual([assessment.assessmentId]);
    });

    test('have a trace found by the session and the request that were said of it, and no more by those before', async () => {
      const info = await aFoundTrace({ experimentId: '31', facts: { sessionId: 'derived', clientRequestId: 'old' } });
      const statement = { tags: { 'mlflow.trace.session': 'tag' }, facts: { clientRequestId: 'new' } };
      const said = { ...withStatement(info, statement), revision: 2 };
      await editor.amend(said, { expectedRevision: 1, mark });
      const within = async (kind: 'session' | 'client-request', id: string) => {
        const range = { experimentIds: ['31'], from: 0, to: noon * 2, limit: 10 };
        return (await search.find({ ...range, within: { kind, id } })).map(({ traceId }) => traceId);
      };
      expect(await within('session', 'derived')).toEqual([info.traceId]);
      expect(await within('session', 'tag')).toEqual([]);
      expect(await within('client-request', 'new')).toEqual([info.traceId]);
      expect(await within('client-request', 'old')).toEqual([]);
      const inMetadata = withStatement(said, { metadata: { 'mlflow.trace.session': 'said' } });
      await editor.amend({ ...inMetadata, revision: 3 }, { expectedRevision: 2, mark });
      expect([await within('session', 'said'), await within('session', 'derived')]).toEqual([[info.traceId], []]);
    });
  });

  describe(`deletion of traces on ${engine}`, () => {
    test('leaves a tombstone that nothing finds and nothing is added to', async () => {
      const info = await aFoundTrace({ experimentId: '32', facts: { sessionId: 's', clientRequestId: 'c' } });
      const { traceId } = info;
      await assessments.put([anAssessment({ traceId })]);
      expect(await remover.bury(traceId, { now: noon, dueAt: noon + 60_000 })).toBe(true);
      expect(await remover.bury(traceId, { now: noon, dueAt: noon + 60_000 })).toBe(false);
      expect(await index.readTrace(traceId)).toBeUndefined();
      expect(await current(info)).toBeUndefined();
      expect(await index.foundTraces([info])).toEqual(['exists']);
      expect(await editor.found(info, mark)).toBe(false);
      expect(await editor.amend({ ...info, revision: 2 }, { expectedRevision: 1, mark })).toBe('conflict');
      expect(await index.markUnsettled(traceId, mark)).toBe(false);
      expect(await index.replaceInfo({ ...info, revision: 2 }, 1)).toBe(false);
      expect(await assessments.put([anAssessment({ traceId })])).toEqual([]);
      const range = { experimentIds: ['32'], from: 0, to: noon * 2, limit: 10 };
      expect(await search.find(range)).toEqual([]);
      expect(await search.find({ ...range, within: { kind: 'session', id: 's' } })).toEqual([]);
      expect(await search.find({ ...range, within: { kind: 'client-request', id: 'c' } })).toEqual([]);
      expect(await remover.deletedAmong([traceId, aTraceInfo().traceId])).toEqual(new Set([traceId]));
    });

    test('knows what is left until that is cleared, and is due until then', async () => {
      const info = await aFoundTrace();
      const { traceId } = info;
      const [further, foreign] = [aTraceBlock(traceId), aTraceBlock(traceId)];
      await index.addBlocks([further]);
      await index.addBlocks([foreign], { foreignExperimentId: '9' });
      await editor.noteAttachment({ experimentId: '7', traceId, name: 'image.png' }, noon);
      expect(await remover.remains(traceId)).toBeUndefined();
      await remover.bury(traceId, { now: noon, dueAt: noon + 60_000 });
      const remains = await remover.remains(traceId);
      const byHash = (a: { hash: string }, b: { hash: string }) => (a.hash < b.hash ? -1 : 1);
      expect(remains?.blocks.toSorted(byHash)).toEqual([...info.blocks, further.block, foreign.block].toSorted(byHash));
      expect(remains).toMatchObject({ experimentId: '7', attachments: ['image.png'] });
      expect(await due(noon + 60_000)).toContain(traceId);
      for (let i = 0; i < 2; i++) {
        await remover.clear(traceId);
        expect(await remover.remains(traceId)).toBeUndefined();
        expect(await due(noon + 60_000)).not.toContain(traceId);
      }
      expect(await index.foundTraces([info])).toEqual(['exists']);
    });
  });
}
