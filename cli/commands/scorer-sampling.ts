import type { Scorer } from '../../sdk/index.ts';
import { tableOrNone } from '../print.ts';

/** What has become of a scorer's sampling. */
export function sampled({ name, sampleRate, filter, config }: Scorer, done: string) {
  const share = sampleRate > 0 ? ` at ${percent(sampleRate)}${filter ? ` of traces where ${filter}` : ''}` : '';
  return { json: config, text: `${done} ${name}${share}` };
}

/** The scorers of an experiment and what is active of them. */
export function listed(scorers: readonly Scorer[], experiment: string) {
  const rows = scorers.map(({ name, version, state, config, pausedBecause }) => [
    name,
    String(version),
    state,
    config ? percent(config.sample_rate) : '',
    config?.filter_string ?? '',
    state === 'paused' ? (pausedBecause ?? '') : '',
  ]);
  const isAnyPaused = scorers.some(({ state }) => state === 'paused');
  const columns = ['scorer', 'version', 'state', 'rate', 'filter', ...(isAnyPaused ? ['why paused'] : [])];
  return {
    json: scorers.map(({ record, config }) => ({ ...record, config })),
    text: tableOrNone(
      columns,
      rows.map((row) => row.slice(0, columns.length)),
      `no scorers in experiment ${experiment}`,
    ),
  };
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(3))} %`;
}
