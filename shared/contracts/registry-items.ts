import type { Experiment } from '../domain/experiment.ts';
import { defaultSettings } from '../domain/experiment.ts';
import type { ScorerHead } from '../domain/registering/scorer-head.ts';
import type { Rules } from '../domain/rules.ts';
import type { ScorerVersion } from '../domain/scorer.ts';

/** Keys and items of the registry table. */
const formatVersion = 1;

type Item = Record<string, unknown>;

export function experimentKey(experimentId: string): string {
  return `experiment#${experimentId}`;
}

export function experimentNameKey(name: string): { pk: string; sk: string } {
  return { pk: `experiment-name#${name}`, sk: 'name' };
}

/** All tables stand together: who names one that is not known is told which are. */
export function otelTableKey(table: string): { pk: string; sk: string } {
  return { pk: 'otel-table', sk: table };
}

/** Counts the experiments' ids. */
export const experimentCounterKey = { pk: 'counter', sk: 'experiment' };

export function rulesSortKey(version: number): string {
  return `rules#${String(version).padStart(10, '0')}`;
}

/** All that is true of a scorer, its latest version with it. */
export function scorerSortKey(name: string): string {
  return `scorer#${name}`;
}

/** `\0` cannot be in a name: no name looks like another's version. */
export function scorerVersionSortKey(name: string, version: number): string {
  return `scorer-version#${name}\0${String(version).padStart(10, '0')}`;
}

/** Which scorer an id is of. */
export function scorerIdKey(scorerId: string): { pk: string; sk: string } {
  return { pk: `scorer-id#${scorerId}`, sk: 'name' };
}

export function toExperimentItem({ experimentId, ...rest }: Experiment): Item {
  return { pk: experimentKey(experimentId), sk: 'meta', v: formatVersion, ...rest };
}

export function fromExperimentItem(item: Item): Experiment {
  // Marks of a change under way are the store's own.
  const { pk, sk: _, v: __, renamingTo: ___, renamingAt: ____, claimingTable: _____, ...rest } = checked(item);
  return { experimentId: String(pk).slice('experiment#'.length), ...rest } as Experiment;
}

export function toRulesItem(rules: Rules, sk: string): Item {
  const { experimentId, ...rest } = rules;
  return { pk: experimentKey(experimentId), sk, v: formatVersion, ...rest };
}

export function fromRulesItem(item: Item): Rules {
  const { pk, sk: _, v: __, settings, ...rest } = checked(item);
  return {
    experimentId: String(pk).slice('experiment#'.length),
    ...rest,
    settings: { ...defaultSettings, ...(settings as object) },
  } as Rules;
}

/** Nothing was ever set. */
export function noRules(experimentId: string): Rules {
  return { experimentId, version: 0, scorers: [], settings: defaultSettings };
}

export function toScorerVersionItem(scorer: ScorerVersion): Item {
  const { experimentId, name, scorerId, version, serialized, createdAt } = scorer;
  const pk = experimentKey(experimentId);
  return {
    pk,
    sk: scorerVersionSortKey(name, version),
    v: formatVersion,
    name,
    scorerId,
    version,
    serialized,
    createdAt,
  };
}

export function fromScorerVersionItem(item: Item): ScorerVersion {
  const { pk, sk: _, v: __, ...rest } = checked(item);
  return { experimentId: String(pk).slice('experiment#'.length), ...rest } as ScorerVersion;
}

export function toScorerItem({ experimentId, ...rest }: ScorerHead): Item {
  return { pk: experimentKey(experimentId), sk: scorerSortKey(rest.name), v: formatVersion, ...rest };
}

export function fromScorerItem(item: Item): ScorerHead {
  const { pk, sk: _, v: __, ...rest } = checked(item);
  return { experimentId: String(pk).slice('experiment#'.length), ...rest } as ScorerHead;
}

export function toScorerIdItem({ experimentId, name, scorerId }: ScorerHead): Item {
  return { ...scorerIdKey(scorerId), v: formatVersion, experimentId, name };
}

export function fromScorerIdItem(item: Item): Pick<ScorerHead, 'experimentId' | 'name' | 'scorerId'> {
  const { pk, experimentId, name } = checked(item);
  const scorerId = String(pk).slice('scorer-id#'.length);
  return { scorerId, experimentId: String(experimentId), name: String(name) };
}

function checked(item: Item): Item {
  if (item.v === formatVersion) return item;
  throw new Error(`registry item ${String(item.pk)} of format ${String(item.v)}, expected ${formatVersion}`);
}
