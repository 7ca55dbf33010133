import { type Command, InvalidArgumentError } from 'commander';
import type { Client, Scorer } from '../../sdk/index.ts';
import { toWholeNumber } from '../numbers.ts';
import { type Print, tableOrNone } from '../print.ts';
import { UsageError } from '../usage-error.ts';
import { collect, type ScorerOptions, toDefinition } from './scorer-definition.ts';
import { listed, sampled } from './scorer-sampling.ts';

export function addScorerCommands(program: Command, { client, print }: { client: () => Client; print: Print }): void {
  const scorers = program.command('scorers').description('what judges the sampled traces');
  const existing = (name: string, experiment: string) => client().scorers.get({ name, experimentId: experiment });
  const inExperiment = (command: Command) => command.option('--experiment <id>', 'experiment', '0');

  inExperiment(scorers.command('register <name>'))
    .description('register a scorer; registering a name again makes its next version')
    .option(
      '--judge <class>',
      "one of MLflow's judges: Safety, RelevanceToQuery, RetrievalGroundedness, UserFrustration, …",
    )
    .option('--guideline <text...>', 'a judge that says whether all guidelines are kept')
    .option(
      '--instructions <text>',
      'a judge with instructions about {{ inputs }}, {{ outputs }}, {{ trace }}, {{ conversation }}',
    )
    .option('--result <type>', 'of instructions: text, number, integer, boolean, or choices as in good,bad', 'text')
    .option(
      '--prompt <text>',
      'a judge that picks one of the choices of a prompt: Is {{ outputs }} [[polite]] or [[rude]]?',
    )
    .option('--model <uri>', "of a judge; without it the experiment's")
    .option(
      '--heuristic <type>',
      'a built-in heuristic: error_free, pii, latency, response_length, regex, keywords, refusal, …',
    )
    .option('--set <key=value...>', 'parameters of the heuristic or the judge, numbers of choices', collect, {})
    .option('--javascript <path>', 'a function of inputs, outputs, expectations and trace')
    .option('--function <name>', 'a Lambda function whose name begins with assay-scorer-')
    .option('--file <path>', 'a scorer as MLflow serializes it, as JSON')
    .action(async (name: string, options: ScorerOptions & { experiment: string }) => {
      const scorer = client().scorer(toDefinition(options));
      const registered = await scorer.register({ name, experimentId: options.experiment });
      print({ json: toJson(registered), text: `registered ${name} version ${registered.version}` });
    });

  inExperiment(scorers.command('start <name>'))
    .description('judge a share of the traces from now on')
    .requiredOption('--rate <0..1>', 'share of the traces', rate)
    .option('--filter <text>', "which traces, in MLflow's grammar, e.g. \"status = 'ERROR'\"")
    .action(async (name: string, options: { experiment: string; rate: number; filter?: string }) => {
      const scorer = await existing(name, options.experiment);
      print(sampled(await scorer.start({ sampleRate: options.rate, filter: options.filter }), 'started'));
    });

  inExperiment(scorers.command('update <name>'))
    .description('change the share or the filter from now on; what is not given stays')
    .option('--rate <0..1>', 'share of the traces', rate)
    .option('--filter <text>', "which traces, in MLflow's grammar")
    .option('--no-filter', 'all traces')
    .action(async (name: string, { experiment, rate: wanted, filter }: UpdateOptions) => {
      if (wanted === undefined && filter === undefined)
        throw new UsageError('give what to change: --rate, --filter or --no-filter');
      const scorer = await existing(name, experiment);
      print(sampled(await scorer.update({ sampleRate: wanted, filter: filter === false ? null : filter }), 'updated'));
    });

  inExperiment(scorers.command('stop <name>'))
    .description('judge no more traces; what was judged stays')
    .action(async (name: string, { experiment }: { experiment: string }) => {
      print(sampled(await (await existing(name, experiment)).stop(), 'stopped'));
    });

  inExperiment(scorers.command('list'))
    .description('registered scorers and what is active')
    .action(async ({ experiment }: { experiment: string }) =>
      print(listed(await client().scorers.list({ experimentId: experiment }), experiment)),
    );

  inExperiment(scorers.command('delete <name>'))
    .description('delete a scorer, or one version of it; what was judged stays')
    .option('--version <n>', 'this version only; of the latest, the one before takes the place', toWholeNumber)
    .action(async (name: string, { experiment, version }: { experiment: string; version?: number }) => {
      await client().scorers.delete({ name, version, experimentId: experiment });
      print({ json: {}, text: `deleted ${name}${version === undefined ? '' : ` version ${version}`}` });
    });

  inExperiment(scorers.command('versions <name>'))
    .description('every version of a scorer')
    .action(async (name: string, { experiment }: { experiment: string }) => {
      const versions = await client().scorers.versions({ name, experimentId: experiment });
      const rows = versions.map(({ version, createdAt }) => [String(version), createdAt.toISOString()]);
      print({
        json: versions.map(({ record }) => record),
        text: tableOrNone(['version', 'registered'], rows, `no scorer ${name} in experiment ${experiment}`),
      });
    });
}

/** As the API answers a registration. */
function toJson({ name, version, experimentId, record }: Scorer): object {
  const { scorer_id, serialized_scorer, creation_time } = record;
  return { version, scorer_id, experiment_id: experimentId, name, serialized_scorer, creation_time };
}

interface UpdateOptions {
  readonly experiment: string;
  readonly rate?: number;
  /** false: none. */
  readonly filter?: string | false;
}

function rate(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 1)) throw new InvalidArgumentError('expected a share above 0, at most 1, e.g. 0.1');
  return value;
}
