import { ApiError } from './api-error.ts';
import type { RuleStore } from './ports.ts';
import { maxActiveScorers, type Rules, type ScorerRule } from './rules.ts';
import { untilWritten } from './until-written.ts';

/** What a caller wants to be true of one scorer; what is left out stays as it is. */
export interface SamplingChange {
  readonly name: string;
  readonly version: number;
  readonly level: ScorerRule['level'];
  readonly sampleRate?: number | undefined;
  /** null: no filter. */
  readonly filter?: string | null | undefined;
}

/** The next version of the rules with one scorer's sampling changed. Throws ApiError. */
export function withSampling(rules: Rules, change: SamplingChange): Rules {
  const before = rules.scorers.find(({ name }) => name === change.name);
  const sampleRate = change.sampleRate ?? before?.sampleRate ?? 0;
  if (!(sampleRate >= 0 && sampleRate <= 1)) {
    throw new ApiError('INVALID_PARAMETER_VALUE', `sample_rate must be between 0.0 and 1.0, got ${sampleRate}`);
  }
  const filter = change.filter === undefined ? before?.filter : (change.filter ?? undefined);
  const rule: ScorerRule = {
    name: change.name,
    version: change.version,
    level: change.level,
    sampleRate,
    ...(filter !== undefined && filter !== '' && { filter }),
  };
  const scorers = [...rules.scorers.filter(({ name }) => name !== change.name), rule].toSorted(byName);
  checkActive(scorers, change.name);
  return { ...rules, version: rules.version + 1, scorers };
}

/** The latest version of a scorer, and why it cannot run, if it cannot. */
export interface LatestVersion extends Pick<ScorerRule, 'name' | 'version' | 'level' | 'paused'> {}

/**
 * The next version of the rules, in which what is set of a scorer holds for its latest version; one that cannot run is paused.
 * The same rules where nothing is set of the scorer, or they follow this version already.
 */
export function followingVersion(rules: Rules, { name, version, level, paused }: LatestVersion): Rules {
  const before = rules.scorers.find((rule) => rule.name === name);
  if (!before || before.version === version) return rules;
  const { paused: _, ...kept } = before;
  const rule: ScorerRule = { ...kept, version, level, ...(paused && { paused }) };
  return {
    ...rules,
    version: rules.version + 1,
    scorers: rules.scorers.map((other) => (other === before ? rule : other)),
  };
}

/** The next version without a scorer; the same rules where nothing is set of it. */
export function withoutScorer(rules: Rules, name: string): Rules {
  const scorers = rules.scorers.filter((rule) => rule.name !== name);
  return scorers.length === rules.scorers.length ? rules : { ...rules, version: rules.version + 1, scorers };
}

function byName(a: ScorerRule, b: ScorerRule): number {
  return a.name < b.name ? -1 : 1;
}

function checkActive(scorers: readonly ScorerRule[], changed: string): void {
  const active = scorers.filter(({ sampleRate }) => sampleRate > 0).map(({ name }) => name);
  if (active.length <= maxActiveScorers) return;
  const others = active.filter((name) => name !== changed).join(', ');
  throw new ApiError(
    'INVALID_PARAMETER_VALUE',
    `at most ${maxActiveScorers} scorers of an experiment are active at once: stop one of ${others} before starting ${changed}`,
  );
}

/**
 * Changes the rules on top of whatever another writer made of them meanwhile; rules that `change` gives back as they are are not
 * written. Answers the rules as they are afterwards. What `change` reads, it reads after the rules that it is given: so of two who
 * changed what the rules follow, whoever writes last has seen both.
 */
export async function changeRules(
  store: RuleStore,
  experimentId: string,
  change: (rules: Rules) => Rules | Promise<Rules>,
): Promise<Rules> {
  return untilWritten(`the rules of experiment ${experimentId} are`, async () => {
    const current = await store.current(experimentId);
    const next = await change(current);
    if (next === current) return current;
    return (await store.replace(next)) ? next : undefined;
  });
}
