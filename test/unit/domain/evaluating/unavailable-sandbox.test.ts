import { expect, it } from 'vitest';
import { otlpTraceCodec } from '../../../../shared/adapters/otlp-trace-codec.ts';
import type { Assessment } from '../../../../shared/domain/assessment.ts';
import { SandboxUnavailableError } from '../../../../shared/domain/code/run-code.ts';
import { type EvaluateTraceDeps, evaluateTrace } from '../../../../shared/domain/evaluating/evaluate-trace.ts';
import type { EvaluationOutcome } from '../../../../shared/domain/evaluation.ts';
import { aTraceInfo } from '../../../support/builders/a-trace-info.ts';

const traceId = `tr-${'1'.repeat(32)}`;
const request = {
  traceId,
  experimentId: '0',
  rulesVersion: 1,
  revision: 1,
  scorers: ['sound', 'throttled'].map((name) => ({ name, version: 1, sampleRate: 1 })),
};

it('keeps what the other scorers found when one could not be run, and is delivered again for that one alone', async () => {
  const kept: Assessment[] = [];
  const outcomes: EvaluationOutcome[] = [];
  const calls: string[] = [];
  let isThrottled = true;
  const deps: EvaluateTraceDeps = {
    index: {
      readTrace: async () => ({
        info: { ...aTraceInfo({ traceId }), blocks: [] },
        unmerged: [],
        hasMerged: false,
        unsettled: false,
        foreignBlocks: [],
        assessments: [],
        outcomes,
      }),
    },
    segments: { readBlock: () => Promise.reject(new Error('no blocks')) },
    codec: otlpTraceCodec,
    scorers: {
      definition: async (experimentId, name, version) => ({
        experimentId,
        name,
        version: version ?? 1,
        scorerId: name,
        serialized: '{}',
        createdAt: 0,
      }),
    },
    createScorer: ({ name }) => ({
      sourceType: 'CODE',
      score: async () => {
        calls.push(name);
        if (name === 'throttled' && isThrottled) throw new SandboxUnavailableError('throttled');
        return [{ value: true }];
      },
    }),
    assessments: {
      put: async (given) => {
        kept.push(...given);
        return given;
      },
    },
    outcomes: { put: async (given) => void outcomes.push(...given) } as EvaluateTraceDeps['outcomes'],
    archive: { addAssessments: async () => undefined },
    now: () => 1,
  };
  await expect(evaluateTrace(request, deps)).rejects.toThrow(SandboxUnavailableError);
  expect(kept.map(({ name, value }) => [name, value])).toEqual([['sound', true]]);
  isThrottled = false;
  await evaluateTrace(request, deps);
  expect(calls).toEqual(['sound', 'throttled', 'throttled']);
  expect(outcomes.map(({ scorerName, state }) => `${scorerName} ${state}`)).toEqual(['sound done', 'throttled done']);
});
