import type { Context, OfExperiment } from './context.ts';
import type { CallOptions } from './transport.ts';

/** What judges may spend, and have spent; days and months are those of UTC. */
export interface Budget {
  readonly experiment_id: string;
  /** Absent: all scorers of the experiment together. */
  readonly scorer_name?: string;
  readonly usd_per_day?: number;
  readonly usd_per_month?: number;
  readonly tokens_per_day?: number;
  readonly tokens_per_month?: number;
  readonly spent: Readonly<Record<'usd_today' | 'usd_this_month' | 'tokens_today' | 'tokens_this_month', number>>;
  /** Of what is spent: calls under way may cost so much. */
  readonly reserved: { readonly usd: number; readonly tokens: number };
}

export interface BudgetOwner extends OfExperiment, CallOptions {
  /** Absent: all scorers of the experiment together. */
  readonly scorer?: string | undefined;
}

export interface BudgetLimits {
  readonly usdPerDay?: number | undefined;
  readonly usdPerMonth?: number | undefined;
  readonly tokensPerDay?: number | undefined;
  readonly tokensPerMonth?: number | undefined;
}

export interface Budgets {
  /** Sets all limits; one that is not given is lifted. */
  set(budget: BudgetOwner & BudgetLimits): Promise<Budget>;
  list(options?: OfExperiment & CallOptions): Promise<readonly Budget[]>;
  remove(owner?: BudgetOwner): Promise<void>;
}

const path = '/api/1.0/assay/budgets';

export function budgets({ send, experimentId: usual }: Context): Budgets {
  const owner = ({ experimentId = usual, scorer }: BudgetOwner) => ({
    experiment_id: experimentId,
    scorer_name: scorer,
  });
  return Object.freeze({
    async set({ usdPerDay, usdPerMonth, tokensPerDay, tokensPerMonth, ...whose }) {
      const body = {
        ...owner(whose),
        usd_per_day: usdPerDay,
        usd_per_month: usdPerMonth,
        tokens_per_day: tokensPerDay,
        tokens_per_month: tokensPerMonth,
      };
      return (await send<{ budget: Budget }>({ method: 'PUT', path, body, signal: whose.signal })).json.budget;
    },
    async list({ experimentId = usual, signal } = {}) {
      const query = { experiment_id: experimentId };
      return (await send<{ budgets: readonly Budget[] }>({ method: 'GET', path, query, signal })).json.budgets;
    },
    async remove(whose = {}) {
      await send({ method: 'DELETE', path, body: owner(whose), signal: whose.signal });
    },
  } satisfies Budgets);
}
