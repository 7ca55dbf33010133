import type { Command } from 'commander';
import type { Budget, BudgetOwner, Client } from '../../sdk/index.ts';
import { toNumber } from '../numbers.ts';
import { type Print, tableOrNone } from '../print.ts';
import { UsageError } from '../usage-error.ts';

interface SetOptions {
  readonly experiment: string;
  readonly scorer?: string;
  readonly usdPerDay?: number;
  readonly usdPerMonth?: number;
  readonly tokensPerDay?: number;
  readonly tokensPerMonth?: number;
}

export function addBudgetCommands(program: Command, { client, print }: { client: () => Client; print: Print }): void {
  const budgets = program
    .command('budgets')
    .description('what judges may spend, in US$ and tokens, per day and month of UTC');
  const ofOwner = (command: Command) =>
    command
      .option('--experiment <id>', 'experiment', '0')
      .option('--scorer <name>', 'of this scorer (default: of all scorers of the experiment together)');

  ofOwner(budgets.command('set'))
    .description('set all limits of a budget; a limit that is not given is lifted, what has been spent still counts')
    .option('--usd-per-day <n>', 'US$ a day', toNumber)
    .option('--usd-per-month <n>', 'US$ a month', toNumber)
    .option('--tokens-per-day <n>', 'tokens a day', toNumber)
    .option('--tokens-per-month <n>', 'tokens a month', toNumber)
    .action(async (options: SetOptions) => {
      const { usdPerDay, usdPerMonth, tokensPerDay, tokensPerMonth } = options;
      const limits = { usdPerDay, usdPerMonth, tokensPerDay, tokensPerMonth };
      if (Object.values(limits).every((limit) => limit === undefined))
        throw new UsageError(
          'give at least one of --usd-per-day, --usd-per-month, --tokens-per-day, --tokens-per-month',
        );
      const budget = await client().budgets.set({ ...ownerOf(options), ...limits });
      print({ json: budget, text: tableOrNone(columns, rowsOf(budget), '') });
    });

  budgets
    .command('list')
    .description('budgets of an experiment, with what has been spent')
    .option('--experiment <id>', 'experiment', '0')
    .action(async ({ experiment }: { experiment: string }) => {
      const found = await client().budgets.list({ experimentId: experiment });
      const none = `experiment ${experiment} has no budgets: its judges spend without bound`;
      print({ json: found, text: tableOrNone(columns, found.flatMap(rowsOf), none) });
    });

  ofOwner(budgets.command('remove'))
    .description('lift all limits of a budget')
    .action(async (options: SetOptions) => {
      await client().budgets.remove(ownerOf(options));
      print({ json: {}, text: `removed the budget of ${options.scorer ?? `experiment ${options.experiment}`}` });
    });
}

function ownerOf({ experiment, scorer }: SetOptions): BudgetOwner {
  return { experimentId: experiment, scorer };
}

const columns = ['budget of', 'limit', 'spent', 'left'];

/** A line for each limit. */
function rowsOf(budget: Budget): readonly (readonly string[])[] {
  const { spent } = budget;
  const usd = (value: number) => `US$ ${value.toFixed(4)}`;
  const tokens = (value: number) => `${value.toLocaleString('en')} tokens`;
  const limits = [
    { limit: budget.usd_per_day, used: spent.usd_today, show: usd, period: 'day' },
    { limit: budget.usd_per_month, used: spent.usd_this_month, show: usd, period: 'month' },
    { limit: budget.tokens_per_day, used: spent.tokens_today, show: tokens, period: 'day' },
    { limit: budget.tokens_per_month, used: spent.tokens_this_month, show: tokens, period: 'month' },
  ];
  return limits.flatMap(({ limit, used, show, period }) =>
    limit === undefined
      ? []
      : [
          [
            budget.scorer_name ?? 'all scorers',
            `${show(limit)} a ${period}`,
            show(used),
            show(Math.max(0, limit - used)),
          ],
        ],
  );
}
