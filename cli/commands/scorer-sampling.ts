import type { Client } from '../client.ts';
import { tableOrNone } from '../print.ts';

export interface Scorer {
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

/** The sampling as it is; undefined where the scorer was never started. */
export async function configOf(
  client: Client,
  { name, experiment }: { name: string; experiment: string },
): Promise<Config | undefined> {
  const query = new URLSearchParams({ experiment_id: experiment, name });
  const { scorer } = await client.call<{ scorer: Scorer }>('GET', `${base}/get?${query}`);
  return (await configs(client, experiment)).find(({ scorer_id: id }) => id === scorer.scorer_id);
}

async function configs(client: Client, experiment: string): Promise<readonly Config[]> {
  const query = new URLSearchParams({ experiment_id: experiment });
  return (await client.call<{ configs: Config[] }>('GET', `${base}/online-configs?${query}`)).configs;
}

/** Leaving the filter out clears it, as in MLflow. */
export async function changeSampling(
  client: Client,
  {
    name,
    experiment,
    rate: sampleRate,
    filter,
  }: { name: string; experiment: string; rate: number; filter?: string | undefined },
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

/** The scorers of an experiment and what is active of them. */
export async function list(client: Client, experiment: string) {
  const { scorers } = await client.call<{ scorers: Scorer[] }>(
    'GET',
    `${base}/list?experiment_id=${encodeURIComponent(experiment)}`,
  );
  const known = await configs(client, experiment);
  const json = scorers.map((scorer) => ({
    ...scorer,
    config: known.find(({ scorer_id: id }) => id === scorer.scorer_id),
  }));
  const rows = json.map(({ scorer_name: name, scorer_version: version, config }) => [
    name,
    String(version),
    stateOf(config),
    config ? percent(config.sample_rate) : '',
    config?.filter_string ?? '',
    stateOf(config) === 'paused' ? (config?.paused ?? '') : '',
  ]);
  const isAnyPaused = json.some(({ config }) => stateOf(config) === 'paused');
  const columns = ['scorer', 'version', 'state', 'rate', 'filter', ...(isAnyPaused ? ['why paused'] : [])];
  return {
    json,
    text: tableOrNone(
      columns,
      rows.map((row) => row.slice(0, columns.length)),
      `no scorers in experiment ${experiment}`,
    ),
  };
}

/** Registered until it is started first; what Assay paused keeps its rate. */
function stateOf(config: Config | undefined): 'registered' | 'paused' | 'active' | 'stopped' {
  if (config === undefined) return 'registered';
  if (config.sample_rate <= 0) return 'stopped';
  return config.paused === undefined ? 'active' : 'paused';
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(3))} %`;
}
