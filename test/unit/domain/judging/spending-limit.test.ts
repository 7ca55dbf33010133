import { describe, expect, it } from 'vitest';
import { BudgetExhaustedError, UnpricedModelError } from '../../../../shared/domain/judging/budget.ts';
import {
  type JudgeModel,
  JudgeTimeoutError,
  JudgeUnavailableError,
} from '../../../../shared/domain/judging/judge-model.ts';
import { judgePrice, mostOf } from '../../../../shared/domain/judging/judge-price.ts';
import { spendingLimit } from '../../../../shared/domain/judging/spending-limit.ts';
import { aJudgeModel } from '../../../support/judging/a-judge-model.ts';
import { aJudgeRequest } from '../../../support/judging/judge-models-on.ts';

const uri = 'openai:/gpt-4.1-mini';
const most = mostOf(aJudgeRequest(), judgePrice(uri)).nanoUsd / 1e9;
/** Of the usage that the scripted model reports: 100 and 20 tokens. */
const actual = (100 * 0.4 + 20 * 1.6) / 1e6;

describe('a spending limit', () => {
  it('lets calls through while the most that they can cost is left, and refuses what may be too much', async () => {
    const model = aJudgeModel(['fine'], { uri });
    const limited = spendingLimit(most + 2.5 * actual)(model);
    for (let call = 0; call < 3; call++) await limited.complete(aJudgeRequest());
    await expect(limited.complete(aJudgeRequest())).rejects.toThrow(BudgetExhaustedError);
    await expect(limited.complete(aJudgeRequest())).rejects.toThrow(/may be spent, not enough is left/);
    expect(model.requests).toHaveLength(3);
  });

  it('has calls wait for what others that are under way do not take', async () => {
    let underWay = 0;
    let mostUnderWay = 0;
    const slow: JudgeModel = {
      ...aJudgeModel(['fine'], { uri }),
      async complete() {
        mostUnderWay = Math.max(mostUnderWay, ++underWay);
        await new Promise((resolve) => setTimeout(resolve, 5));
        underWay--;
        return { text: '', toolCalls: [], stop: 'end', usage: { inputTokens: 100, outputTokens: 20 } };
      },
    };
    const limit = spendingLimit(2 * most + 3 * actual);
    const calls = Array.from({ length: 4 }, () => limit(slow).complete(aJudgeRequest()));
    await expect(Promise.all(calls)).resolves.toHaveLength(4);
    expect(mostUnderWay).toBe(2);
  });

  it.each([
    ['was refused, costs nothing', new JudgeUnavailableError('busy', { reason: 'throttled' }), 'fine'],
    ['may have been billed, costs the most that it can', new JudgeTimeoutError('late'), 'refused'],
  ])('counts a call that failed: what %s', async (_, failure, next) => {
    const limited = spendingLimit(1.5 * most)(aJudgeModel([failure, 'fine'], { uri }));
    await expect(limited.complete(aJudgeRequest())).rejects.toBe(failure);
    const second = await limited.complete(aJudgeRequest()).then(
      () => 'fine',
      () => 'refused',
    );
    expect(second).toBe(next);
  });

  it('asks no model whose price nobody knows', async () => {
    const limited = spendingLimit(1_000)(aJudgeModel(['fine'], { uri: 'gateway:/own' }));
    await expect(limited.complete(aJudgeRequest())).rejects.toThrow(UnpricedModelError);
  });
});
