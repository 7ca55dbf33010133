import { expect, it } from 'vitest';
import { otlpTraceCodec } from '../../../../shared/adapters/otlp-trace-codec.ts';
import { noRules } from '../../../../shared/contracts/registry-items.ts';
import type { Assessment } from '../../../../shared/domain/assessment.ts';
import { SandboxUnavailableError } from '../../../../shared/domain/code/run-code.ts';
import { type EvaluateTraceDeps, evaluateTrace } from '../../../../shared/domain/evaluating/evaluate-trace.ts';
import type { EvaluationOutcome } from '../../../../shared/domain/evaluation.ts';
import { aTraceInfo } from '../../../support/builders/a-trace-info.ts';
import { aRule } from '../../indexing/support.ts';

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
  let now = 1;
  const rules = { ...noRules('0'), scorers: ['sound', 'throttled'].map((name) => aRule({ name })) };
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
    metrics: { note: () => {} },
    assessments: {
      put: async (given) => {
        kept.push(...given);
        return given;
      },
    },
    outcomes: {
      put: async (given) => {
        const isGiven = ({ scorerName }: EvaluationOutcome) => given.some((other) => other.scorerName === scorerName);
        outcomes.splice(0, outcomes.length, ...outcomes.filter((each) => !isGiven(each)), ...given);
      },
      remove: async () => {},
      lease: async () => true,
      putOff: async () => true,
    },
    rules: {
      current: async () => rules,
      version: async () => rules,
      replace: async () => true,
    },
    judging: () => {
      throw new Error('nobody judges');
    },
    archive: { addAssessments: async () => undefined },
    now: () => now,
  };
  const { retryAfterMs = 0 } = await evaluateTrace(request, { receives: 1, inRoom: (_, task) => task(), deps });
  expect(retryAfterMs).toBeGreaterThan(0);
  expect(outcomes.map(({ scorerName, state }) => `${scorerName} ${state}`)).toEqual(['sound done', 'throttled held']);
  now += retryAfterMs;
  expect(kept.map(({ name, value }) => [name, value])).toEqual([['sound', true]]);
  isThrottled = false;
  expect(await evaluateTrace(request, { receives: 2, inRoom: (_, task) => task(), deps })).toEqual({});
  expect(calls).toEqual(['sound', 'throttled', 'throttled']);
  expect(outcomes.map(({ scorerName, state }) => `${scorerName} ${state}`)).toEqual(['sound done', 'throttled done']);
});
