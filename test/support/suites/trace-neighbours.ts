import { beforeAll, describe, expect, test } from 'vitest';
import { dynamoAssessmentStore } from '../../../shared/adapters/dynamo-assessment-store.ts';
import { dynamoEvaluationStore } from '../../../shared/adapters/dynamo-evaluation-store.ts';
import { dynamoTraceIndex } from '../../../shared/adapters/dynamo-trace-index.ts';
import type { EvaluationOutcome } from '../../../shared/domain/evaluation.ts';
import type { AssessmentStore, EvaluationStore, TraceIndex } from '../../../shared/domain/ports.ts';
import { aTraceId, aTraceInfo, noon } from '../builders/a-trace-info.ts';
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

    const byId = (a: { assessmentId: string }, b: { assessmentId: string }) =>
      a.assessmentId < b.assessmentId ? -1 : 1;

    test('gives back the assessments of a trace as they were put', async () => {
      const traceId = aTraceId();
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
      await assessments.put([...put, anAssessment()]);
      expect((await assessments.list(traceId)).toSorted(byId)).toEqual(put.toSorted(byId));
    });

    test('overwrites an assessment by its id', async () => {
      const first = anAssessment({ value: 'yes' });
      await assessments.put([first]);
      await assessments.put([{ ...first, value: 'no' }]);
      expect(await assessments.list(first.traceId)).toEqual([{ ...first, value: 'no' }]);
    });

    test('puts more assessments than one call takes', async () => {
      const traceId = aTraceId();
      const put = Array.from({ length: 60 }, () => anAssessment({ traceId }));
      await assessments.put(put);
      expect((await assessments.list(traceId)).toSorted(byId)).toEqual(put.toSorted(byId));
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
