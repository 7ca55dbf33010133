import { BudgetExhaustedError, UnpricedModelError } from './budget.ts';
import { isFree, spentOn } from './judge-budgets.ts';
import type { JudgeModel } from './judge-model.ts';
import { judgePrice, mostOf } from './judge-price.ts';

/** What may be spent once is spent. */
class SpendingLimitError extends BudgetExhaustedError {
  constructor(usd: number) {
    super({ scope: { experimentId: '' }, period: 'day', unit: 'nanoUsd', reason: 'spent', until: 0 });
    this.message = `of the US$ ${usd} that may be spent, not enough is left for this call`;
  }
}

/**
 * Models of one process whose calls may cost so much together and no more: each reserves the most that it can cost, and where too little is left
 * waits for what the calls under way do not take. A model without a price is not called.
 */
export function spendingLimit(usd: number): (model: JudgeModel) => JudgeModel {
  const most = usd * 1e9;
  let spent = 0;
  let reserved = 0;
  let settled = Promise.withResolvers<void>();

  async function reserve(nanoUsd: number): Promise<void> {
    while (spent + reserved + nanoUsd > most) {
      if (reserved === 0) throw new SpendingLimitError(usd);
      await settled.promise;
    }
    reserved += nanoUsd;
  }

  function settle(nanoUsd: number, cost: number): void {
    reserved -= nanoUsd;
    spent += cost;
    settled.resolve();
    settled = Promise.withResolvers();
  }

  return (model) => ({
    uri: model.uri,
    contextTokens: model.contextTokens,
    async complete(request) {
      const price = judgePrice(model.uri);
      if (price === undefined) throw new UnpricedModelError(model.uri);
      const maxTokens = request.maxTokens + (model.thinkingTokens ?? 0);
      const { nanoUsd } = mostOf({ ...request, maxTokens }, price);
      await reserve(nanoUsd);
      try {
        const answer = await model.complete(request);
        settle(nanoUsd, (spentOn(answer, price) ?? { nanoUsd }).nanoUsd);
        return answer;
      } catch (error) {
        settle(nanoUsd, isFree(error) ? 0 : nanoUsd);
        throw error;
      }
    },
  });
}
