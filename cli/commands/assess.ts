import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import {
  type AssessmentRecord,
  type AssessResult,
  type AssessRunRecord,
  type AssessScorer,
  type Client,
  javascript,
  serialized,
} from '../../sdk/index.ts';
import { csv } from '../csv.ts';
import { toPastTime } from '../past-time.ts';
import { type Print, printable, tableOrNone, valueText } from '../print.ts';
import { goesOn, progressBar, timeLeft } from '../progress-bar.ts';
import { UsageError } from '../usage-error.ts';

interface Told {
  readonly run: AssessRunRecord;
  readonly results: readonly AssessResult[];
}

interface AssessOptions {
  readonly experiment: string;
  readonly trace?: readonly string[];
  readonly filter?: string;
  readonly since?: string;
  readonly until?: string;
  readonly scorer?: readonly string[];
  readonly inline?: readonly string[];
  readonly dryRun?: true;
  readonly idempotencyKey?: string;
  readonly format: keyof typeof formats;
}

interface Commands {
  readonly client: () => Client;
  readonly print: Print;
  /** Shows a line in the place of the one before it. */
  readonly show: (line: string) => void;
  /** A line that stays, beside what is answered. */
  readonly note: (line: string) => void;
}

export function addAssessCommand(program: Command, { client, print, show, note }: Commands): void {
  program
    .command('assess')
    .description('run scorers on traces now, whatever was judged before')
    .option('--trace <ids...>', 'these traces')
    .option('--filter <filter>', 'or the traces that match')
    .option('--since <time>', 'or those since: 7d, 24h, or ISO 8601 (default with --filter: 7d)', toPastTime)
    .option('--until <time>', 'and until', toPastTime)
    .option('--scorer <names...>', 'registered scorers: tone, or tone@2 for a version')
    .option(
      '--inline <files...>',
      'scorers that are registered nowhere: files of JSON as for "scorers register --file", or .js with a function',
    )
    .option('--dry-run', 'keep nothing of what is found; for at most 50 traces')
    .option('--experiment <id>', 'experiment', '0')
    .option('--idempotency-key <key>', 'the same key gives the same run')
    .addOption(new Option('--format <format>', 'of the results').choices(Object.keys(formats)).default('table'))
    .action(async (options: AssessOptions) => {
      const told = await assess(options, { client: client(), show, note });
      print({ json: told, text: formats[options.format](told) });
    });
}

/** A run that was not done at once is watched until it goes on no more; then everything is read. */
async function assess(
  options: AssessOptions,
  { client, show, note }: { client: Client } & Pick<Commands, 'show' | 'note'>,
): Promise<Told> {
  const { experiment, scorer = [], inline = [], dryRun, idempotencyKey } = options;
  const scorers = [...scorer.map(toScorer), ...inline.map(readInline)];
  if (scorers.length === 0) throw new UsageError('give --scorer or --inline: who is to judge?');
  const about = { experimentId: experiment, scorers, dryRun, idempotencyKey };
  const run = await client.assess({ ...about, ...tracesOf(options) });
  if (run.isOver) return { run: run.record, results: await run.results().toArray() };
  note(goesOn(run.id));
  const ended = await run.wait({ onProgress: ({ isOver, record }) => isOver || show(printable(barOf(record))) });
  // What follows takes the place of the bar.
  show('');
  return { run: ended.record, results: await ended.results().toArray() };
}

function tracesOf({ trace, filter, since, until }: AssessOptions) {
  const isSearch = filter !== undefined || since !== undefined || until !== undefined;
  if ((trace === undefined) !== isSearch)
    throw new UsageError('give --trace, or --filter, --since and --until: what is to be judged?');
  return trace ? { traceIds: trace } : { filter, startTime: since, endTime: until };
}

function toScorer(text: string): AssessScorer {
  const [, name = text, version] = /^(.+?)(?:@(\d+))?$/.exec(text) ?? [];
  return { name, ...(version !== undefined && { version: Number(version) }) };
}

function readInline(file: string): AssessScorer {
  try {
    const text = readFileSync(file, 'utf8');
    if (file.endsWith('.js')) return { name: basename(file, '.js'), definition: javascript(text) };
    const { name } = JSON.parse(text) as { name?: unknown };
    if (typeof name === 'string' && name !== '') return { name, definition: serialized(text) };
  } catch (error) {
    throw new UsageError(`--inline ${file} cannot be read: ${(error as Error).message}`);
  }
  throw new UsageError(`--inline ${file}: expected the JSON of a scorer with a "name"`);
}

function barOf({ traces = 0, scorers = [], counts = {}, usd = 0, seconds_left: left }: AssessRunRecord) {
  const { found = 0, pending = 0 } = counts;
  // What is not found yet is as much work as what is.
  const all = Math.max(found, traces * scorers.length);
  const done = found - pending;
  return `${progressBar(all === 0 ? 0 : done, Math.max(1, all))}  ${done} of ${all}  US$ ${usd.toFixed(4)}${timeLeft(left)}`;
}

const formats = {
  table: ({ run, results }: Told) => {
    const rows = results.map((result) => [
      result.trace_id,
      nameOf(result),
      result.state,
      result.assessments.map((one) => `${one.assessment_name}=${said(one)}`).join(' '),
      oneLine(result.reason ?? result.assessments[0]?.rationale ?? ''),
    ]);
    const none = 'no traces found';
    return `${tableOrNone(['trace', 'scorer', 'state', 'assessments', 'because'], rows, none)}\n\n${summaryOf(run)}`;
  },
  json: (told: Told) => JSON.stringify(told),
  csv: ({ results }: Told) => csv(csvColumns, results.flatMap(csvRows)),
} as const;

const csvColumns = ['trace_id', 'scorer', 'version', 'state', 'name', 'value', 'error', 'rationale', 'reason'];

/** One for each assessment; one of what has none. */
function csvRows(result: AssessResult): readonly (readonly string[])[] {
  const { trace_id: id, scorer, version, state, reason = '' } = result;
  const head = [id, scorer, version === null ? '' : String(version), state];
  if (result.assessments.length === 0) return [[...head, '', '', '', '', reason]];
  return result.assessments.map((one) => {
    const error = one.feedback?.error;
    const value = error ? '' : said(one);
    return [...head, one.assessment_name, value, error?.error_code ?? '', one.rationale ?? '', reason];
  });
}

function nameOf({ scorer, version }: AssessResult): string {
  return version === null ? `${scorer} (inline)` : `${scorer} v${version}`;
}

function said({ feedback }: AssessmentRecord): string {
  if (feedback?.error) return feedback.error.error_code;
  return valueText(feedback?.value);
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ');
}

const shownCounts = [
  'judged',
  'failed',
  'held',
  'not_judged',
  'deleted',
  'incomplete',
  'filtered',
  'cancelled',
  'pending',
];

function summaryOf(run: AssessRunRecord): string {
  const { run_id: id, state, reason, dry_run: isDry, counts = {}, usd = 0, tokens = 0 } = run;
  const of = shownCounts.flatMap((count) => (counts[count] ? `${counts[count]} ${count.replace('_', ' ')}` : []));
  const head = isDry ? 'dry run, nothing was kept' : `${id} ${reason === undefined ? state : `${state} (${reason})`}`;
  return `${head}: ${of.join(', ') || 'nothing judged'}; US$ ${usd.toFixed(4)}, ${tokens} tokens`;
}
