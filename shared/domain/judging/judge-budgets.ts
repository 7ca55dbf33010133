import type { ModelPrice } from '../facts/model-price.ts';
import type { Clock } from '../ports.ts';
import type { BudgetStore } from './budget.ts';
import { budgetAccount } from './budget-account.ts';
import {
  ContextTooLongError,
  type JudgeAnswer,
  JudgeMisconfiguredError,
  type JudgeModel,
  JudgeRejectedError,
  JudgeUnavailableError,
} from './judge-model.ts';
import { type Amount, amountOf, mostOf, nothing } from './judge-price.ts';

export interface JudgeBudgetsDeps {
  readonly store: BudgetStore;
  readonly now: Clock;
  /** The price of a model's URI; undefined: unpriced. */
  readonly priceOf: (uri: string) => ModelPrice | undefined;
}

/** Who pays for a call: an experiment, and the scorers whose results it gives, each its share. */
interface Payer {
  readonly experimentId: string;
  readonly scorers: readonly string[];
}

export interface JudgeBudgets {
  /** The model, each call of which is paid from the budgets of the payer. It also throws BudgetExhaustedError and UnpricedModelError. */
  paidBy(payer: Payer, model: JudgeModel): JudgeModel;
  /** Books what has been given back: at the end of each invocation. Where it fails, budgets count too much, never too little. */
  flush(): Promise<void>;
}

/** Experiments whose accounts one process keeps. */
const maxAccounts = 1_000;

/** The budgets of one instance. */
export function judgeBudgets(deps: JudgeBudgetsDeps): JudgeBudgets {
  const accounts = new Map<string, ReturnType<typeof budgetAccount>>();

  function accountOf(experimentId: string) {
    const known = accounts.get(experimentId);
    if (known) return known;
    if (accounts.size >= maxAccounts) for (const [id, { isIdle }] of accounts) if (isIdle) accounts.delete(id);
    const account = budgetAccount(experimentId, deps);
    accounts.set(experimentId, account);
    return account;
  }

  return {
    paidBy({ experimentId, scorers }, model) {
      const { uri, contextTokens } = model;
      return {
        uri,
        contextTokens,
        async complete(request) {
          const [account, price] = [accountOf(experimentId), deps.priceOf(uri)];
          const maxTokens = request.maxTokens + (model.thinkingTokens ?? 0);
          const amount = mostOf({ ...request, maxTokens }, price);
          const reservation = await account.reserve({ scorers, uri, isPriced: price !== undefined, amount });
          if (!reservation) return model.complete(request);
          try {
            const answer = await model.complete(request);
            account.settle(reservation, spentOn(answer, price));
            return answer;
          } catch (error) {
            account.settle(reservation, isFree(error) ? nothing : undefined);
            throw error;
          }
        },
      };
    },

    async flush() {
      const flushed = await Promise.allSettled([...accounts.values()].map((account) => account.flush()));
      const failed = flushed.find(({ status }) => status === 'rejected');
      if (failed?.status === 'rejected') throw failed.reason;
    },
  };
}

/** Undefined: not known, where a provider does not tell. */
export function spentOn({ cached, usage }: JudgeAnswer, price: ModelPrice | undefined): Amount | undefined {
  if (cached) return nothing;
  return usage.inputTokens + usage.outputTokens === 0 ? undefined : amountOf(usage, price);
}

/** Refused before the model began. What timed out, or broke off, is billed. */
export function isFree(error: unknown): boolean {
  return (
    (error instanceof JudgeUnavailableError && error.call !== 'begun') ||
    error instanceof JudgeMisconfiguredError ||
    error instanceof JudgeRejectedError ||
    error instanceof ContextTooLongError
  );
}
