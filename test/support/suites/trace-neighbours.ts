import { beforeAll, describe, expect, test } from 'vitest';
import { dynamoAssessmentStore } from '../../../shared/adapters/dynamo-assessment-store.ts';
import { dynamoDueWork } from '../../../shared/adapters/dynamo-due-work.ts';
import { dynamoEvaluationStore } from '../../../shared/adapters/dynamo-evaluation-store.ts';
import { dynamoTraceIndex } from '../../../shared/adapters/dynamo-trace-index.ts';
import { dynamoTraceRemover } from '../../../shared/adapters/dynamo-trace-remover.ts';
import type { EvaluationOutcome } from '../../../shared/domain/evaluation.ts';
import type { AssessmentStore, EvaluationStore, TraceIndex } from '../../../shared/domain/ports.ts';
import { aTraceInfo, noon } from '../builders/a-trace-info.ts';
import { anAssessment } from '../builders/an-assessment.ts';
import type { Tables } from '../dynamo-tables.ts';

/** What stands beside a trace: its assessments and the outcomes of its evaluations. */
export function describeTraceNeighbours(engine: string, tables: () => Tables): void {
  describe(`assessments and evaluations on ${engine}`, () => {
    let index: TraceIndex;
    let assessments: AssessmentStore;
    let evaluations: EvaluationStore;

    beforeAll(() => {
      const { client, traces } = tables();
      const options = { retentionDays: 30 };
      index = dynamoTraceIndex(client, traces, options);
      assessments = dynamoAssessmentStore(client, traces, options);
      evaluations = dynamoEvaluationStore(client, traces, options);
    });

    async function aFoundTrace(): Promise<string> {
      const info = aTraceInfo();
      await index.foundTraces([info]);
      return info.traceId;
    }

    const byId = (a: { assessmentId: string }, b: { assessmentId: string }) =>
      a.assessmentId < b.assessmentId ? -1 : 1;

    test('gives back the assessments of a trace as they were put', async () => {
      const traceId = await aFoundTrace();
      const put = [
        anAssessment({ traceId, value: { score: 0.25, labels: ['a', ''], none: null } }),
        anAssessment({ traceId, value: null, error: { code: 'TIMEOUT', message: '' }, spanId: '00f067aa0ba902b7' }),
        anAssessment({
          traceId,
          value: '',
          scorer: { name: 'length', version: 2, sampleRate: 0.1 },
          metadata: { a: '' },
        }),
      ];
      await assessments.put([...put, anAssessment({ traceId: await aFoundTrace() })]);
      expect((await assessments.list(traceId)).toSorted(byId)).toEqual(put.toSorted(byId));
    });

    test('keeps nothing about a trace that is not there', async () => {
      const kept = anAssessment({ traceId: await aFoundTrace() });
      const lost = anAssessment();
      expect(await assessments.put([lost, kept])).toEqual([kept]);
      expect(await assessments.list(lost.traceId)).toEqual([]);
    });

    test('lists the assessments of a page of traces, also of those that have more than their item names', async () => {
      const [few, many, none] = [await aFoundTrace(), await aFoundTrace(), await aFoundTrace()];
      const put = [
        anAssessment({ traceId: few }),
        anAssessment({ traceId: few }),
        ...Array.from({ length: 130 }, () => anAssessment({ traceId: many })),
      ];
      for (const assessment of put) await assessments.put([assessment]);
      const infos = [...(await index.getInfos([few, many, none])).values()];
      const listed = await assessments.listAll(infos);
      expect(listed.get(few)).toEqual(put.slice(0, 2).toSorted(byId));
      expect(listed.get(many)).toEqual(put.slice(2).toSorted(byId));
      expect(listed.get(none)).toBeUndefined();
    });

    test('removes an assessment, and again without a word', async () => {
      const traceId = await aFoundTrace();
      const [first, second] = [anAssessment({ traceId }), anAssessment({ traceId })];
      await assessments.put([first, second]);
      await assessments.remove(traceId, first.assessmentId);
      await assessments.remove(traceId, first.assessmentId);
      expect(await assessments.list(traceId)).toEqual([second]);
      expect((await index.getInfos([traceId])).get(traceId)?.assessmentIds).toEqual([second.assessmentId]);
    });

    test('leaves the ids of assessments alone when the info is rewritten', async () => {
      const info = aTraceInfo();
      await index.foundTraces([info]);
      const assessment = anAssessment({ traceId: info.traceId });
      await assessments.put([assessment]);
      expect(await index.replaceInfo({ ...info, revision: 2 }, 1)).toBe(true);
      const { assessmentIds } = (await index.getInfos([info.traceId])).get(info.traceId) ?? {};
      expect(assessmentIds).toEqual([assessment.assessmentId]);
    });

    test('overwrites an assessment by its id', async () => {
      const first = anAssessment({ traceId: await aFoundTrace(), value: 'yes' });
      await assessments.put([first]);
      await assessments.put([{ ...first, value: 'no' }]);
      expect(await assessments.list(first.traceId)).toEqual([{ ...first, value: 'no' }]);
    });

    test('puts more assessments than one call takes', async () => {
      const traceId = await aFoundTrace();
      const put = Array.from({ length: 60 }, () => anAssessment({ traceId }));
      await assessments.put(put);
      expect((await assessments.list(traceId)).toSorted(byId)).toEqual(put.toSorted(byId));
    });

    test('leases an evaluation that nobody runs and that is not finished for this revision', async () => {
      const running = (given: Partial<EvaluationOutcome> = {}): EvaluationOutcome => ({
        ...{ traceId: aTraceInfo().traceId, scorerName: 'tone', scorerVersion: 1, state: 'running', revision: 2 },
        ...{ finishedAt: noon, until: noon + 1_000, ...given },
      });
      const lease = running();
      expect(await evaluations.lease(lease, noon)).toBe(true);
      expect(await evaluations.lease(lease, noon), 'while another runs it').toBe(false);
      expect(await evaluations.lease(lease, noon + 1_000), 'when that lease has ended').toBe(true);
      await evaluations.put([{ ...lease, state: 'done' }]);
      expect(await evaluations.lease(lease, noon + 5_000), 'done by another meanwhile').toBe(false);
      expect(await evaluations.lease({ ...lease, revision: 3 }, noon + 5_000), 'of a later revision').toBe(true);
      await evaluations.put([{ ...lease, state: 'held', revision: 3 }]);
      expect(await evaluations.lease({ ...lease, revision: 3 }, noon + 6_000), 'held').toBe(true);
    });

    test('replaces the outcome that was read, and no other', async () => {
      const info = aTraceInfo();
      await index.foundTraces([info]);
      const about = { traceId: info.traceId, scorerName: 'tone', scorerVersion: 1, revision: 1 };
      const before = { ...about, state: 'done' as const, finishedAt: noon, unweighted: true as const };
      const after = { ...about, state: 'running' as const, finishedAt: noon + 1, until: noon + 2 };
      expect(await evaluations.replace(before, after), 'none is there').toBe(false);
      await evaluations.put([before]);
      expect(await evaluations.replace(before, after)).toBe(true);
      expect(await evaluations.replace(before, before), 'another stands there').toBe(false);
      expect(await evaluations.replace({ ...after, state: 'held' }, before), 'in another state').toBe(false);
      expect((await index.readTrace(info.traceId))?.outcomes).toEqual([after]);
    });

    test('of a deleted trace keeps what is held and due, until that is taken away', async () => {
      const { client, traces } = tables();
      const remover = dynamoTraceRemover(client, traces, { retentionDays: 30 });
      const work = dynamoDueWork(client, traces);
      const traceId = await aFoundTrace();
      const about = { traceId, scorerVersion: 1, revision: 1, finishedAt: noon };
      const held = { ...about, scorerName: 'tone', state: 'held' as const, dueAt: noon };
      await evaluations.put([held, { ...about, scorerName: 'length', state: 'done' }]);
      await remover.bury(traceId, { now: noon, dueAt: noon });
      await remover.clear(traceId);
      const due = async () => {
        const shards = [0, 1, 2, 3].map((shard) => work.listEvaluations(shard, { now: noon, limit: 500 }));
        return (await Promise.all(shards)).flat().filter((one) => one.traceId === traceId);
      };
      expect(await due()).toEqual([held]);
      await evaluations.remove(traceId, [{ name: 'tone', version: 1, sampleRate: 1 }]);
      expect(await due()).toEqual([]);
    });

    test('keeps the last outcome of each scorer version beside its trace', async () => {
      const info = aTraceInfo();
      await index.foundTraces([info]);
      const outcome = (given: Partial<EvaluationOutcome>): EvaluationOutcome => ({
        traceId: info.traceId,
        scorerName: 'length',
        scorerVersion: 1,
        state: 'done',
        revision: 1,
        finishedAt: noon,
        ...given,
      });
      const failed = outcome({ state: 'failed', reason: 'no answer' });
      await evaluations.put([failed, outcome({ scorerVersion: 2 })]);
      await evaluations.put([outcome({ revision: 2 })]);
      const { outcomes } = (await index.readTrace(info.traceId)) ?? {};
      expect(outcomes).toEqual([outcome({ revision: 2 }), outcome({ scorerVersion: 2 })]);
    });
  });
}
