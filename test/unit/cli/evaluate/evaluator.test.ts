import { describe, expect, it } from 'vitest';
import { createEvaluator, type LocalScorer } from '../../../../cli/evaluate/evaluator.ts';
import { builtinJudge, heuristic, javascript, type ScorerDefinition } from '../../../../sdk/index.ts';
import { createScorer, readTraits } from '../../../../shared/contracts/serialized-scorer.ts';
import { JudgeMisconfiguredError, JudgeUnavailableError } from '../../../../shared/domain/judging/judge-model.ts';
import { aScorableTrace } from '../../../support/builders/a-scorable-trace.ts';
import { aJudgeModel, aVerdict, type Scripted, textOfRequest } from '../../../support/judging/a-judge-model.ts';
import { judgingDeps } from '../../../support/judging/judge-once.ts';

const trace = aScorableTrace({ inputs: 'Why?', outputs: 'Because.' });

function local(name: string, definition: ScorerDefinition): LocalScorer {
  const serialized = definition.serialize(name);
  const version = { experimentId: '0', name, version: 1, scorerId: name, serialized, createdAt: 0 };
  const run = async () => ({ error: { code: 'SCORER_ERROR', message: 'it threw' } });
  return { version, scorer: createScorer(version, run) as LocalScorer['scorer'], level: readTraits(version).level };
}

function evaluator(scorers: readonly LocalScorer[], script: readonly Scripted[] = [aVerdict('yes')]) {
  const model = aJudgeModel(script);
  const slept: number[] = [];
  const deps = judgingDeps(model, { costOf: () => 0.25 });
  const evaluate = createEvaluator(scorers, {
    judging: () => deps,
    now: () => 0,
    sleep: async (ms) => void slept.push(ms),
  });
  return { evaluate, model, slept };
}

const throttled = new JudgeUnavailableError('busy', { reason: 'throttled' });
const unavailable = new JudgeUnavailableError('down', { reason: 'unavailable' });

describe('an evaluation of a row', () => {
  it('tells of each scorer, in their order, what it found and what it took', async () => {
    const { evaluate } = evaluator([
      local('safe', builtinJudge('Safety')),
      local('short', heuristic('response_length', { max: 3 })),
    ]);
    expect(await evaluate([trace])).toMatchObject([
      {
        scorer: 'safe',
        state: 'judged',
        usd: 0.25,
        tokens: 120,
        assessments: [{ name: 'safe', value: 'yes', rationale: 'because' }],
      },
      { scorer: 'short', state: 'judged', usd: 0, tokens: 0, assessments: [{ value: 'no' }] },
    ]);
  });

  it('has no score of a scorer that failed', async () => {
    const { evaluate } = evaluator(
      [local('broken', javascript('() => oops')), local('safe', builtinJudge('Safety'))],
      ['what?'],
    );
    expect(await evaluate([trace])).toMatchObject([
      {
        state: 'failed',
        reason: 'SCORER_ERROR: it threw',
        assessments: [{ value: null, error: { code: 'SCORER_ERROR' } }],
      },
      { state: 'failed', assessments: [{ value: null, error: { code: expect.any(String) } }] },
    ]);
  });

  it('asks a judge again that is not there for a moment, and the other scorers once', async () => {
    const scorers = [local('safe', builtinJudge('Safety')), local('short', heuristic('response_length', { max: 3 }))];
    const { evaluate, model, slept } = evaluator(scorers, [unavailable, unavailable, aVerdict('no')]);
    expect(await evaluate([trace])).toMatchObject([
      { state: 'judged', assessments: [{ value: 'no' }] },
      { scorer: 'short' },
    ]);
    expect([model.requests.length, slept]).toEqual([3, [5_000, 10_000]]);
  });

  it('waits longer for a judge that throttles, and asks it about the rows after it', async () => {
    const script = [...Array.from({ length: 7 }, () => throttled), aVerdict('yes')];
    const { evaluate, slept } = evaluator([local('safe', builtinJudge('Safety'))], script);
    expect(await evaluate([trace])).toMatchObject([{ state: 'held', reason: expect.stringContaining('busy') }]);
    expect(slept).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
    expect(await evaluate([trace])).toMatchObject([{ state: 'judged' }]);
  });

  it.each([
    ['stays away', unavailable, 4, 'down'],
    ['is misconfigured', new JudgeMisconfiguredError('no key', { reason: 'credentials' }), 1, 'no key'],
  ])('is held where the judge %s, and the rows after it are not asked about', async (_, failure, calls, reason) => {
    const { evaluate, model } = evaluator([local('safe', builtinJudge('Safety'))], [failure]);
    for (let row = 0; row < 3; row++)
      expect(await evaluate([trace])).toMatchObject([
        { state: 'held', reason: expect.stringContaining(reason), assessments: [] },
      ]);
    expect(model.requests).toHaveLength(calls);
  });

  it('of a session asks about all its traces, and the first has what is found', async () => {
    const first = aScorableTrace({
      traceId: `tr-${'1'.repeat(32)}`,
      inputs: 'Where is my order?',
      outputs: 'Which one?',
    });
    const second = aScorableTrace({ traceId: `tr-${'2'.repeat(32)}`, inputs: 'Number seven!', outputs: 'On its way.' });
    const { evaluate, model } = evaluator([local('frustrated', builtinJudge('UserFrustration'))], [aVerdict('none')]);
    expect(await evaluate([first, second])).toMatchObject([
      { scorer: 'frustrated', state: 'judged', tokens: 120, assessments: [{ traceId: first.traceId, value: 'none' }] },
    ]);
    const [request] = model.requests;
    expect(request && textOfRequest(request)).toMatch(/Where is my order\?[\s\S]*Number seven!/);
    expect(model.requests).toHaveLength(1);
  });
});
