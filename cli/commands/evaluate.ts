import { type Command, InvalidArgumentError, Option } from 'commander';
import type { EvaluateFileDeps, EvaluateFileOptions } from '../evaluate/evaluate-file.ts';
import { type Evaluation, heldReasons, summaryText, toCsv, toJson, toText } from '../evaluate/show.ts';
import { shortfall, type Threshold } from '../evaluate/summarize.ts';
import { toNumber } from '../numbers.ts';
import type { Print } from '../print.ts';

interface EvaluateOptions extends EvaluateFileOptions {
  readonly failUnder: readonly Threshold[];
  readonly format: 'table' | 'json' | 'csv';
}

interface Commands extends EvaluateFileDeps {
  readonly print: Print;
  /** Gives out a file. */
  readonly data: (text: string) => void;
  /** Tells what does not belong to the answer. */
  readonly tell: (text: string) => void;
}

export function addEvaluateCommand(program: Command, commands: Commands): void {
  program
    .command('evaluate')
    .description('run scorers over a local data set, as production runs them; no deployment is asked')
    .requiredOption(
      '--data <file>',
      'JSON Lines: {inputs, outputs, expectations, trace}, or whole traces; .gz; - for stdin',
    )
    .requiredOption(
      '--scorers <scorers...>',
      'files with scorers as they are registered (.json), JavaScript (.js), built-in judges (Safety), heuristics (error_free)',
    )
    .option('--model <uri>', 'of judges that name none, e.g. openai:/gpt-4.1-mini; keys as in OPENAI_API_KEY')
    .option('--models <file>', "a stage's judgeModels as JSON: providers, aliases, limits")
    .option('--concurrency <n>', 'rows at once', toCount, 8)
    .option('--max-cost-usd <n>', 'ask no model any more when this might be exceeded', toNumber)
    .option('--fail-under <name=number...>', 'end with 1 where a mean or a pass rate is less', toThreshold, [])
    .addOption(
      new Option('--format <format>', 'how results are written').choices(['table', 'json', 'csv']).default('table'),
    )
    .action(async (options: EvaluateOptions) => {
      // What runs scorers takes a while to load: no other command waits for it.
      const { evaluateFile } = await import('../evaluate/evaluate-file.ts');
      const evaluation = await evaluateFile(options, commands);
      if (options.format === 'json') program.setOptionValue('json', true);
      write(evaluation, { format: options.format, commands });
      const held = heldReasons(evaluation);
      const missed = options.failUnder.flatMap((threshold) => shortfall(threshold, evaluation.summaries) ?? []);
      const badRows = evaluation.badRows.map(({ line, message }) => `row ${line} was left out: ${message}`);
      for (const message of [...badRows, ...held, ...missed]) commands.tell(message);
      if (held.length + evaluation.badRows.length + missed.length > 0) process.exitCode = 1;
    });
}

function write(evaluation: Evaluation, { format, commands }: { format: string; commands: Commands }): void {
  if (format === 'csv') {
    commands.data(`${toCsv(evaluation)}\n`);
    commands.tell(summaryText(evaluation.summaries));
  } else commands.print({ json: toJson(evaluation), text: toText(evaluation) });
}

function toCount(text: string): number {
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected a whole number from 1 to 999');
}

function toThreshold(text: string, known: readonly Threshold[]): readonly Threshold[] {
  const [, name, number] = /^(.+)=(-?\d+(?:\.\d+)?)$/.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError(`expected a name and a number such as tone=0.9, got ${text}`);
  return [...known, { name, least: Number(number) }];
}
