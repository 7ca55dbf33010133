import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import type { Client } from '../client.ts';
import { type Print, tableOrNone } from '../print.ts';
import { UsageError } from '../usage-error.ts';

interface Scorer {
  readonly scorer_name: string;
  readonly scorer_version: number;
  readonly scorer_id: string;
  readonly serialized_scorer: string;
  readonly creation_time: number;
}

interface Config {
  readonly scorer_id: string;
  readonly sample_rate: number;
  readonly filter_string?: string;
  readonly paused?: string;
}

const base = '/api/3.0/mlflow/scorers';

export function addScorerCommands(program: Command, { client, print }: { client: () => Client; print: Print }): void {
  const scorers = program.command('scorers').description('what judges the sampled traces');
  const inExperiment = (command: Command) => command.option('--experiment <id>', 'experiment', '0');

  inExperiment(scorers.command('register <name>'))
    .description('register a scorer; registering a name again makes its next version')
    .option(
      '--heuristic <type>',
      'a built-in heuristic: error_free, pii, latency, response_length, regex, keywords, refusal, …',
    )
    .option('--set <key=value...>', 'parameters of the heuristic', collect, {})
    .option('--file <path>', 'a scorer as MLflow serializes it, as JSON')
    .action(async (name: string, options: RegisterOptions) => {
      const serialized = serializedScorer(name, options);
      const body = { experiment_id: options.experiment, name, serialized_scorer: serialized };
      const registered = await client().call<{ version: number }>('POST', `${base}/register`, body);
      print({ json: registered, text: `registered ${name} version ${registered.version}` });
    });

  inExperiment(scorers.command('start <name>'))
    .description('judge a share of the traces from now on')
    .requiredOption('--rate <0..1>', 'share of the traces', rate)
    .option('--filter <text>', "which traces, in MLflow's grammar, e.g. \"status = 'ERROR'\"")
    .action(async (name: string, options: { experiment: string; rate: number; filter?: string }) => {
      print(await changeSampling(client(), { name, ...options }, 'started'));
    });

  inExperiment(scorers.command('stop <name>'))
    .description('judge no more traces; what was judged stays')
    .action(async (name: string, { experiment }: { experiment: string }) => {
      print(await changeSampling(client(), { name, experiment, rate: 0 }, 'stopped'));
    });

  inExperiment(scorers.command('list'))
    .description('registered scorers and what is active')
    .action(async ({ experiment }: { experiment: string }) => print(await list(client(), experiment)));

  inExperiment(scorers.command('versions <name>'))
    .description('every version of a scorer')
    .action(async (name: string, { experiment }: { experiment: string }) => {
      const query = new URLSearchParams({ experiment_id: experiment, name });
      const { scorers: versions } = await client().call<{ scorers: Scorer[] }>('GET', `${base}/versions?${query}`);
      const rows = versions.map((scorer) => [
        String(scorer.scorer_version),
        new Date(scorer.creation_time).toISOString(),
      ]);
      print({
        json: versions,
        text: tableOrNone(['version', 'registered'], rows, `no scorer ${name} in experiment ${experiment}`),
      });
    });
}

interface RegisterOptions {
  readonly experiment: string;
  readonly heuristic?: string;
  readonly set: Readonly<Record<string, unknown>>;
  readonly file?: string;
}

function serializedScorer(name: string, { heuristic, set, file }: RegisterOptions): string {
  if ((heuristic === undefined) === (file === undefined)) throw new UsageError('give either --heuristic or --file');
  if (file !== undefined) return readFileSync(file, 'utf8');
  return JSON.stringify({ name, serialization_version: 1, assay_heuristic: { type: heuristic, ...set } });
}

/** `--set max_ms=2000 unit=words`: values are JSON where they are, else texts. */
function collect(pair: string, known: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const [key = '', ...rest] = pair.split('=');
  if (rest.length === 0) throw new InvalidArgumentError(`expected key=value, got ${pair}`);
  return { ...known, [key]: jsonOrText(rest.join('=')) };
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function rate(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 1)) throw new InvalidArgumentError('expected a share above 0, at most 1, e.g. 0.1');
  return value;
}

async function changeSampling(
  client: Client,
  { name, experiment, rate: sampleRate, filter }: { name: string; experiment: string; rate: number; filter?: string },
  done: string,
) {
  const body = {
    experiment_id: experiment,
    name,
    sample_rate: sampleRate,
    ...(filter !== undefined && { filter_string: filter }),
  };
  const { config } = await client.call<{ config: Config }>('PUT', `${base}/online-config`, body);
  const share =
    sampleRate > 0
      ? ` at ${percent(config.sample_rate)}${config.filter_string ? ` of traces where ${config.filter_string}` : ''}`
      : '';
  return { json: config, text: `${done} ${name}${share}` };
}

async function list(client: Client, experiment: string) {
  const { scorers } = await client.call<{ scorers: Scorer[] }>(
    'GET',
    `${base}/list?experiment_id=${encodeURIComponent(experiment)}`,
  );
  const { configs } = await client.call<{ configs: Config[] }>(
    'GET',
    `${base}/online-configs?experiment_id=${encodeURIComponent(experiment)}`,
  );
  const json = scorers.map((scorer) => ({
    ...scorer,
    config: configs.find(({ scorer_id: id }) => id === scorer.scorer_id),
  }));
  const rows = json.map(({ scorer_name: name, scorer_version: version, config }) => [
    name,
    String(version),
    config?.paused !== undefined
      ? 'paused'
      : (config?.sample_rate ?? 0) > 0
        ? 'active'
        : config
          ? 'stopped'
          : 'registered',
    config ? percent(config.sample_rate) : '',
    config?.filter_string ?? '',
  ]);
  return {
    json,
    text: tableOrNone(['scorer', 'version', 'state', 'rate', 'filter'], rows, `no scorers in experiment ${experiment}`),
  };
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(3))} %`;
}
