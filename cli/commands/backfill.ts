import type { Command } from 'commander';
import type {
  Backfill,
  BackfillCounts,
  BackfillOptions,
  BackfillRecord,
  BackfillScorer,
  BackfillScorerRef,
  Client,
} from '../../sdk/index.ts';
import { toNumber } from '../numbers.ts';
import { toPastTime } from '../past-time.ts';
import { type Print, printable, tableOrNone } from '../print.ts';
import { goesOn, progressBar, timeLeft } from '../progress-bar.ts';
import { UsageError } from '../usage-error.ts';

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
] as const satisfies readonly (keyof BackfillCounts)[];

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
  /** A line that stays, beside what is answered. */
  readonly note: (line: string) => void;
}

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
    .option('--from <time>', 'first moment: 30d, 24h, or ISO 8601 (default: 7d before the last)', toPastTime)
    .option('--to <time>', 'last moment (default: now)', toPastTime)
    .option('--filter <filter>', "which traces, in the place of the scorers' own filters")
    .option('--all', 'judge again what was judged')
    .option('--dry-run', 'say what would be judged and what it may cost, and end')
    .option('--max-cost-usd <n>', 'pause when it has cost so much', toNumber)
    .option('--max-concurrency <n>', 'slices are worked off by so many at once (default: 10)', toNumber)
    .option('--idempotency-key <key>', 'the same key gives the same backfill')
    .option('--watch', 'wait for the end, with a bar')
    .action(async (options: StartOptions) => {
      const started = await commands.client().backfill(toRequest(options));
      const { watch, dryRun } = options;
      // A plan is what a dry run is started for.
      if (watch ?? dryRun) await watchUntilEnd(started, commands);
      else tell(await started.status(), commands);
    });
}

function addReading(backfill: Command, commands: Commands): void {
  withExperiment(backfill.command('status <id>'))
    .description('how far a backfill is')
    .option('--watch', 'until its end, with a bar')
    .action(async (id: string, { experiment, watch }: { experiment: string; watch?: boolean }) => {
      const found = await commands.client().backfills.get(id, { experimentId: experiment });
      if (watch) await watchUntilEnd(found, commands);
      else tell(found, commands);
    });
  withExperiment(backfill.command('list'))
    .description('backfills of an experiment, newest first')
    .action(async ({ experiment }: { experiment: string }) => {
      const found = await commands.client().backfills.list({ experimentId: experiment });
      const backfills = found.map(({ record }) => record);
      const rows = backfills.map((one) => [one.backfill_id, stateOf(one), scorersOf(one), rangeOf(one)]);
      const none = `experiment ${experiment} has no backfills`;
      commands.print({ json: backfills, text: tableOrNone(['id', 'state', 'scorers', 'range'], rows, none) });
    });
}

function addChanges(backfill: Command, { client, print }: Commands): void {
  const tellState = ({ id, record }: Backfill) => print({ json: record, text: `${id} is ${stateOf(record)}` });
  for (const [what, description] of [
    ['pause', 'stop a backfill within a minute; it keeps its range'],
    ['cancel', 'stop a backfill within a minute, and let others have its range'],
  ] as const) {
    withExperiment(backfill.command(`${what} <id>`))
      .description(description)
      .action(async (id: string, { experiment }: { experiment: string }) =>
        tellState(await client().backfills[what](id, { experimentId: experiment })),
      );
  }
  withExperiment(backfill.command('resume <id>'))
    .description('have a backfill go on that was paused, cancelled or has failed: it judges what is missing')
    .option('--max-cost-usd <n>', 'pause when it has cost so much', toNumber)
    .action(async (id: string, { experiment, maxCostUsd }: { experiment: string; maxCostUsd?: number }) =>
      tellState(await client().backfills.resume(id, { experimentId: experiment, maxCostUsd })),
    );
}

function withExperiment(command: Command): Command {
  return command.option('--experiment <id>', 'experiment', '0');
}

function toRequest({ experiment, scorer, from, to, all, ...others }: StartOptions): BackfillOptions {
  return {
    experimentId: experiment,
    scorers: scorer.map(toScorer),
    startTime: from,
    endTime: to,
    mode: all ? 'all' : 'missing',
    ...others,
  };
}

function toScorer(text: string): BackfillScorerRef {
  const [, name, version, rate] = /^(.+?)(?:@(\d+))?(?:=(\d*\.?\d+))?$/.exec(text) ?? [];
  if (name === undefined) throw new UsageError(`--scorer ${text}: expected a name, name=rate or name@version=rate`);
  return {
    name,
    ...(version !== undefined && { version: Number(version) }),
    ...(rate !== undefined && { sampleRate: Number(rate) }),
  };
}

async function watchUntilEnd(backfill: Backfill, commands: Commands): Promise<void> {
  const { state, dry_run: isDry } = backfill.record;
  if (!isDry && (state === 'planning' || state === 'running')) commands.note(goesOn(backfill.id));
  const ended = await backfill.wait({ onProgress: ({ record }) => commands.show(printable(barOf(record))) });
  // The page takes the place of the bar.
  commands.show('');
  tell(ended, commands);
}

function tell({ record }: Backfill, { print }: Commands): void {
  print({ json: record, text: page(record) });
}

function barOf({ state, plan, counts, cost_usd: cost = 0, seconds_left: left }: BackfillRecord): string {
  // A dry run ends with its plan: nothing of it was to be done.
  if (state === 'planning' || state === 'planned' || plan === undefined || counts === undefined) return state;
  // Traces that are not found yet are as much work as those that are.
  const all = Math.max(counts.found, plan.traces);
  const done = counts.found - counts.pending;
  return `${progressBar(done, all)}  ${counts.judged} judged, ${counts.failed} failed  US$ ${cost.toFixed(4)}${timeLeft(state === 'running' ? left : undefined)}`;
}

function page(backfill: BackfillRecord): string {
  const { plan, scorers, counts } = backfill;
  const head = `${backfill.backfill_id}  ${stateOf(backfill)}  ${rangeOf(backfill)}`;
  const planned = plan ? [`planned: ${plan.traces} traces in ${plan.slices} slices`] : [];
  const { state } = backfill;
  // A dry run has judged nothing: it tells what it would.
  if (state === 'planned') return [head, ...planned, ...scorers.map(predictionOf)].join('\n');
  const spent = counts ? [`spent: US$ ${(backfill.cost_usd ?? 0).toFixed(4)}, ${backfill.tokens ?? 0} tokens`] : [];
  return [head, ...planned, ...scorers.map(predictionOf), ...spent, '', countsOf(scorers)].join('\n').trimEnd();
}

function predictionOf({ name, version, sample_rate: rate, predicted }: BackfillScorer): string {
  const who = `${name} v${version} at ${rate}`;
  if (!predicted) return who;
  const { evaluations, tokens, cost_usd: usd, basis } = predicted;
  if (basis === 'no_model') return `${who}: about ${evaluations} evaluations, no model is asked`;
  const why = basis === 'unknown' ? 'no judge has been asked here lately' : 'its model has no known price';
  const cost = usd === undefined ? `cost unknown (${why})` : `about US$ ${usd.toFixed(4)}`;
  return `${who}: about ${evaluations} evaluations, ${tokens === undefined ? '' : `${tokens} tokens, `}${cost}`;
}

function countsOf(scorers: readonly BackfillScorer[]): string {
  const counted = scorers.flatMap(({ name, counts }) => (counts ? [{ name, counts }] : []));
  const shown = fates.filter((fate) => counted.some(({ counts }) => counts[fate] > 0));
  const rows = counted.map(({ name, counts }) => [
    name,
    ...['found' as const, ...shown].map((fate) => String(counts[fate])),
  ]);
  return tableOrNone(['scorer', 'found', ...shown.map((fate) => fate.replace('_', ' '))], rows, '');
}

function stateOf({ state, reason }: BackfillRecord): string {
  return reason === undefined ? state : `${state} (${reason})`;
}

function scorersOf({ scorers }: BackfillRecord): string {
  return scorers.map(({ name, version, sample_rate: rate }) => `${name} v${version} at ${rate}`).join(', ');
}

function rangeOf({ start_time: from, end_time: to }: BackfillRecord): string {
  return `${from} to ${to}`;
}
