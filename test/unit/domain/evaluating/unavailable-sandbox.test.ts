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

function aThrottledSandbox() {
  const sandbox = {
    kept: [] as Assessment[],
    outcomes: [] as EvaluationOutcome[],
    calls: [] as string[],
    isThrottled: true,
    now: 1,
  };
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
        outcomes: sandbox.outcomes,
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
        sandbox.calls.push(name);
        if (name === 'throttled' && sandbox.isThrottled) throw new SandboxUnavailableError('throttled');
        return [{ value: true }];
      },
    }),
    metrics: { note: () => {} },
    assessments: {
      put: async (given) => {
        sandbox.kept.push(...given);
        return given;
      },
    },
    outcomes: {
      put: async (given) => {
        const isGiven = ({ scorerName }: EvaluationOutcome) => given.some((other) => other.scorerName === scorerName);
        sandbox.outcomes = [...sandbox.outcomes.filter((each) => !isGiven(each)), ...given];
      },
      remove: async () => {},
      lease: async () => true,
      putOff: async () => true,
      replace: async () => true,
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
    now: () => sandbox.now,
  };
  return { sandbox, deps };
}

const statesIn = (outcomes: readonly EvaluationOutcome[]) =>
  outcomes.map(({ scorerName, state }) => `${scorerName} ${state}`);

it('keeps what the other scorers found when one could not be run, and is delivered again for that one alone', async () => {
  const { sandbox, deps } = aThrottledSandbox();
  const { retryAfterMs = 0 } = await evaluateTrace(request, { receives: 1, inRoom: (_, task) => task(), deps });
  expect(retryAfterMs).toBeGreaterThan(0);
  expect(statesIn(sandbox.outcomes)).toEqual(['sound done', 'throttled held']);
  sandbox.now += retryAfterMs;
  expect(sandbox.kept.map(({ name, value }) => [name, value])).toEqual([['sound', true]]);
  sandbox.isThrottled = false;
  expect(await evaluateTrace(request, { receives: 2, inRoom: (_, task) => task(), deps })).toEqual({});
  expect(sandbox.calls).toEqual(['sound', 'throttled', 'throttled']);
  expect(statesIn(sandbox.outcomes)).toEqual(['sound done', 'throttled done']);
});

it('is told as an error of code once the sandbox has not been there for two days', async () => {
  const { sandbox, deps } = aThrottledSandbox();
  await evaluateTrace(request, { receives: 1, inRoom: (_, task) => task(), deps });
  sandbox.now += 49 * 3_600_000;
  await evaluateTrace(request, { receives: 1, inRoom: (_, task) => task(), deps });
  expect(statesIn(sandbox.outcomes)).toEqual(['sound done', 'throttled failed']);
  expect(sandbox.kept.at(-1)).toMatchObject({
    value: null,
    error: { code: 'SANDBOX_UNAVAILABLE' },
    source: { type: 'CODE', id: 'throttled' },
  });
});
