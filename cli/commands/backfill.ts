import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import type { Client } from '../client.ts';
import { type Print, printable, tableOrNone } from '../print.ts';
import { progressBar } from '../progress-bar.ts';
import { UsageError } from '../usage-error.ts';

interface Scorer {
  readonly name: string;
  readonly version: number;
  readonly sample_rate: number;
  readonly predicted?: { readonly evaluations: number; readonly tokens?: number; readonly cost_usd?: number };
  readonly counts?: Counts;
}

const fates = [
  'filtered',
  'not_sampled',
  'already_done',
  'incomplete',
  'judged',
  'failed',
  'held',
  'cancelled',
  'deleted',
  'pending',
] as const;

type Counts = Readonly<Record<(typeof fates)[number] | 'found', number>>;

interface Backfill {
  readonly backfill_id: string;
  readonly state: string;
  readonly reason?: string;
  readonly start_time: string;
  readonly end_time: string;
  readonly scorers: readonly Scorer[];
  readonly plan?: { readonly traces: number; readonly slices: number };
  readonly counts?: Counts;
  readonly slices_enqueued?: number;
  readonly cost_usd?: number;
  readonly tokens?: number;
  readonly seconds_left?: number;
}

interface StartOptions {
  readonly experiment: string;
  readonly scorer: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly filter?: string;
  readonly all?: true;
  readonly dryRun?: true;
  readonly maxCostUsd?: number;
  readonly maxConcurrency?: number;
  readonly idempotencyKey?: string;
  readonly watch?: true;
}

interface Commands {
  readonly client: () => Client;
  readonly print: Print;
  /** Shows a line in the place of the one before it. */
  readonly show: (line: string) => void;
}

const path = '/api/1.0/assay/backfills';
const watchMs = 2_000;
const openStates: ReadonlySet<string> = new Set(['planning', 'running']);

export function addBackfillCommands(program: Command, commands: Commands): void {
  const backfill = program.command('backfill').description('run scorers on the traces of a past range of time');
  addStart(backfill, commands);
  addReading(backfill, commands);
  addChanges(backfill, commands);
}

function addStart(backfill: Command, commands: Commands): void {
  withExperiment(backfill.command('start'))
    .description('start a backfill; by default over the last seven days, of what the scorer has not judged yet')
    .requiredOption(
      '--scorer <names...>',
      'scorers: tone, tone=0.5 or tone@2=1 (without a version the latest, without a rate the one that it has)',
    )
    .option('--from <time>', 'first moment, ISO 8601', toTime)
    .option('--to <time>', 'last moment (default: now)', toTime)
    .option('--filter <filter>', "which traces, in the place of the scorers' own filters")
    .option('--all', 'judge again what was judged')
    .option('--dry-run', 'say what would be judged and what it may cost, and end')
    .option('--max-cost-usd <n>', 'pause when it has cost so much', toNumber)
    .option('--max-concurrency <n>', 'slices are worked off by so many at once (default: 10)', toNumber)
    .option('--idempotency-key <key>', 'the same key gives the same backfill')
    .option('--watch', 'wait for the end, with a bar')
    .action(async (options: StartOptions) => {
      const { backfill_id: id } = await commands.client().call<{ backfill_id: string }>('POST', path, bodyOf(options));
      const { experiment, watch, dryRun } = options;
      // A plan is what a dry run is started for.
      await tell(id, { experiment, isWatched: watch ?? dryRun ?? false, commands });
    });
}

function addReading(backfill: Command, commands: Commands): void {
  withExperiment(backfill.command('status <id>'))
    .description('how far a backfill is')
    .option('--watch', 'until its end, with a bar')
    .action((id: string, { experiment, watch = false }: { experiment: string; watch?: boolean }) =>
      tell(id, { experiment, isWatched: watch, commands }),
    );
  withExperiment(backfill.command('list'))
    .description('backfills of an experiment, newest first')
    .action(async ({ experiment }: { experiment: string }) => {
      const query = new URLSearchParams({ experiment_id: experiment });
      const { backfills } = await commands.client().call<{ backfills: Backfill[] }>('GET', `${path}?${query}`);
      const rows = backfills.map((one) => [one.backfill_id, stateOf(one), scorersOf(one), rangeOf(one)]);
      const none = `experiment ${experiment} has no backfills`;
      commands.print({ json: backfills, text: tableOrNone(['id', 'state', 'scorers', 'range'], rows, none) });
    });
}

function addChanges(backfill: Command, { client, print }: Commands): void {
  const change = async (what: string, id: string, body: object) => {
    const route = `${path}/${encodeURIComponent(id)}/${what}`;
    const { backfill: changed } = await client().call<{ backfill: Backfill }>('POST', route, body);
    print({ json: changed, text: `${changed.backfill_id} is ${stateOf(changed)}` });
  };
  for (const [what, description] of [
    ['pause', 'stop a backfill within a minute; it keeps its range'],
    ['cancel', 'stop a backfill within a minute, and let others have its range'],
  ] as const) {
    withExperiment(backfill.command(`${what} <id>`))
      .description(description)
      .action((id: string, { experiment }: { experiment: string }) => change(what, id, { experiment_id: experiment }));
  }
  withExperiment(backfill.command('resume <id>'))
    .description('have a backfill go on that was paused, cancelled or has failed: it judges what is missing')
    .option('--max-cost-usd <n>', 'pause when it has cost so much', toNumber)
    .action((id: string, { experiment, maxCostUsd }: { experiment: string; maxCostUsd?: number }) =>
      change('resume', id, { experiment_id: experiment, max_cost_usd: maxCostUsd }),
    );
}

function withExperiment(command: Command): Command {
  return command.option('--experiment <id>', 'experiment', '0');
}

function bodyOf(options: StartOptions): object {
  return {
    experiment_id: options.experiment,
    scorers: options.scorer.map(toScorer),
    start_time: options.from,
    end_time: options.to,
    filter: options.filter,
    mode: options.all ? 'all' : 'missing',
    dry_run: options.dryRun,
    max_cost_usd: options.maxCostUsd,
    max_concurrency: options.maxConcurrency,
    idempotency_key: options.idempotencyKey,
  };
}

function toScorer(text: string): object {
  const [, name, version, rate] = /^(.+?)(?:@(\d+))?(?:=([\d.]+))?$/.exec(text) ?? [];
  if (name === undefined) throw new UsageError(`--scorer ${text}: expected a name, name=rate or name@version=rate`);
  return {
    name,
    ...(version !== undefined && { version: Number(version) }),
    ...(rate !== undefined && { sample_rate: Number(rate) }),
  };
}

function toTime(text: string): string {
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new InvalidArgumentError('expected a time such as 2026-06-01 or 2026-06-01T12:00:00Z');
  return new Date(time).toISOString();
}

function toNumber(text: string): number {
  if (/^\d{1,15}(?:\.\d{1,9})?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected a number, 0 or above');
}

async function tell(
  id: string,
  { experiment, isWatched, commands }: { experiment: string; isWatched: boolean; commands: Commands },
): Promise<void> {
  const query = new URLSearchParams({ experiment_id: experiment });
  for (;;) {
    const route = `${path}/${encodeURIComponent(id)}?${query}`;
    const { backfill } = await commands.client().call<{ backfill: Backfill }>('GET', route);
    if (!isWatched || !openStates.has(backfill.state)) {
      // The page takes the place of the bar.
      if (isWatched) commands.show('');
      commands.print({ json: backfill, text: page(backfill) });
      return;
    }
    commands.show(printable(barOf(backfill)));
    await sleep(watchMs);
  }
}

function barOf({ state, plan, counts, cost_usd: cost = 0, seconds_left: left }: Backfill): string {
  if (plan === undefined || counts === undefined) return state;
  // Traces that are not found yet are as much work as those that are.
  const all = Math.max(counts.found, plan.traces);
  const rest = left === undefined ? '' : `  ${Math.ceil(left / 60)} min left`;
  const done = counts.found - counts.pending;
  return `${progressBar(done, all)}  ${counts.judged} judged, ${counts.failed} failed  US$ ${cost.toFixed(4)}${rest}`;
}

function page(backfill: Backfill): string {
  const { plan, scorers, counts } = backfill;
  const head = `${backfill.backfill_id}  ${stateOf(backfill)}  ${rangeOf(backfill)}`;
  const planned = plan ? [`planned: ${plan.traces} traces in ${plan.slices} slices`] : [];
  const spent = counts ? [`spent: US$ ${(backfill.cost_usd ?? 0).toFixed(4)}, ${backfill.tokens ?? 0} tokens`] : [];
  return [head, ...planned, ...scorers.map(predictionOf), ...spent, '', countsOf(scorers)].join('\n').trimEnd();
}

function predictionOf({ name, version, sample_rate: rate, predicted }: Scorer): string {
  const who = `${name} v${version} at ${rate}`;
  if (!predicted) return who;
  const { evaluations, tokens, cost_usd: usd } = predicted;
  const cost = usd === undefined ? 'cost unknown' : `about US$ ${usd.toFixed(4)}`;
  return `${who}: about ${evaluations} evaluations, ${tokens === undefined ? '' : `${tokens} tokens, `}${cost}`;
}

function countsOf(scorers: readonly Scorer[]): string {
  const counted = scorers.flatMap(({ name, counts }) => (counts ? [{ name, counts }] : []));
  const shown = fates.filter((fate) => counted.some(({ counts }) => counts[fate] > 0));
  const rows = counted.map(({ name, counts }) => [
    name,
    ...['found' as const, ...shown].map((fate) => String(counts[fate])),
  ]);
  return tableOrNone(['scorer', 'found', ...shown.map((fate) => fate.replace('_', ' '))], rows, '');
}

function stateOf({ state, reason }: Backfill): string {
  return reason === undefined ? state : `${state} (${reason})`;
}

function scorersOf({ scorers }: Backfill): string {
  return scorers.map(({ name, version, sample_rate: rate }) => `${name} v${version} at ${rate}`).join(', ');
}

function rangeOf({ start_time: from, end_time: to }: Backfill): string {
  return `${from} to ${to}`;
}
