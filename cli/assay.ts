#!/usr/bin/env node
import { Command } from 'commander';
import { addAssessCommand } from './commands/assess.ts';
import { addBackfillCommands } from './commands/backfill.ts';
import { addBudgetCommands } from './commands/budgets.ts';
import { addEvaluateCommand } from './commands/evaluate.ts';
import { addExplainCommand } from './commands/explain.ts';
import { addInitCommand, addKeyCommands } from './commands/keys.ts';
import { addModelCommands } from './commands/models.ts';
import { addExperimentCommands, addHealthCommand, addSqlCommand } from './commands/others.ts';
import { addScorerCommands } from './commands/scorers.ts';
import { addTraceCommands } from './commands/traces.ts';
import { connect, type GlobalOptions } from './connection.ts';
import { type Print, printable } from './print.ts';
import { explained, isMendable } from './usage-error.ts';

const program = new Command('assay')
  .description('Assay: watch the quality of GenAI applications')
  .option('--url <url>', 'URL of the API (or ASSAY_URL)')
  .option('--key <key>', 'API key (or ASSAY_KEY)')
  .option('--stack <name>', 'name that the stacks were deployed under', 'Assay')
  .option('--json', 'answer as JSON')
  .showHelpAfterError('(see --help)');

const connection = () => connect(program.opts<GlobalOptions>(), process.env);
const note = (text: string) => console.error(printable(text));
const client = () => connection().client();
const print: Print = ({ json, text }) =>
  console.log(program.opts<GlobalOptions>().json ? JSON.stringify(json) : printable(text));

let shown = '';
/** A line in the place of the one before it; in a log a line for each change. One that wraps would stay where it is. */
function show(line: string): void {
  if (process.stderr.isTTY)
    process.stderr.write(`\r${line.slice(0, (process.stderr.columns || Infinity) - 1)}\u{1b}[K`);
  else if (line !== shown && line !== '') process.stderr.write(`${line}\n`);
  shown = line;
}

addInitCommand(program, { connection, print });
addKeyCommands(program, { connection, print });
addExperimentCommands(program, { connection, print });
addScorerCommands(program, { client, print });
addTraceCommands(program, { client, print });
addBudgetCommands(program, { client, print });
addBackfillCommands(program, { client, print, show, note });
addEvaluateCommand(program, {
  print,
  show: (line) => process.stderr.isTTY && show(line),
  data: (text) => void process.stdout.write(process.stdout.isTTY ? printable(text) : text),
  tell: note,
  environment: process.env,
});
addAssessCommand(program, { client, print, show, note });
addExplainCommand(program, { client, print });
addModelCommands(program, { connection, print });
addSqlCommand(program, { connection, print });
addHealthCommand(program, { connection, print });

try {
  await program.parseAsync();
} catch (error) {
  console.error(isMendable(error) ? `assay: ${printable(explained(error))}` : error);
  process.exitCode = 1;
}
