import { ApiError } from '../api-error.ts';
import { changeRules, followingVersion, withoutScorer, withSampling } from '../change-rules.ts';
import { InvalidFilterError } from '../filter/invalid-filter-error.ts';
import { parseFilter } from '../filter/parse-filter.ts';
import type { Clock, RuleStore, ScorerStore } from '../ports.ts';
import type { ScorerRule } from '../rules.ts';
import type { ScorerTraits, ScorerVersion } from '../scorer.ts';
import { whyNotStartable } from './startable.ts';

export interface ChangeScorersDeps {
  readonly scorers: ScorerStore;
  readonly rules: RuleStore;
  readonly readTraits: (version: ScorerVersion) => ScorerTraits;
  readonly now: Clock;
}

/** Registers the next version of a name; what is set of the scorer holds for it from now on. */
export async function registerScorer(
  scorer: Omit<ScorerVersion, 'version' | 'scorerId' | 'createdAt'>,
  deps: ChangeScorersDeps,
): Promise<ScorerVersion> {
  const version = await deps.scorers.register({ ...scorer, createdAt: deps.now() });
  await followLatest(version, deps);
  return version;
}

/**
 * Has the rules follow what is now the latest version of a scorer. Whoever moves the latest version calls this afterwards, and whoever
 * finds one that the rules may not follow: a process that died in between is made good by the next reader.
 */
async function followLatest(
  { experimentId, name }: Pick<ScorerVersion, 'experimentId' | 'name'>,
  deps: ChangeScorersDeps,
): Promise<void> {
  let latest: ScorerVersion | undefined;
  await changeRules(deps.rules, experimentId, async (rules) => {
    latest = await deps.scorers.get(experimentId, name);
    if (latest === undefined) return withoutScorer(rules, name);
    const traits = deps.readTraits(latest);
    const filter = rules.scorers.find((rule) => rule.name === name)?.filter;
    const reason = whyPaused(traits, filter);
    const paused = reason === undefined ? undefined : { reason, since: deps.now() };
    return followingVersion(rules, { name, version: latest.version, level: traits.level, paused });
  });
  if (latest?.unfollowed) await deps.scorers.markFollowed(latest);
}

/** A filter that was set by an older grammar and cannot be read any more holds its scorer back by itself. */
function whyPaused(traits: ScorerTraits, filter: string | undefined): string | undefined {
  try {
    return whyNotStartable(traits, filter);
  } catch (error) {
    if (error instanceof InvalidFilterError) return undefined;
    throw error;
  }
}

/** These versions, after the rules follow those that they may not follow yet. */
export async function followed(
  versions: readonly ScorerVersion[],
  deps: ChangeScorersDeps,
): Promise<readonly ScorerVersion[]> {
  for (const version of versions) if (version.unfollowed) await followLatest(version, deps);
  return versions;
}

export interface WantedSampling {
  readonly experimentId: string;
  readonly name: string;
  /** undefined: as it is. */
  readonly sampleRate?: number | undefined;
  /** null: none. */
  readonly filter: string | null;
}

/** Starts, changes or stops a scorer; answers it with the rule that is now in force. Throws ApiError and InvalidFilterError. */
export async function changeSampling(
  { experimentId, name, sampleRate, filter }: WantedSampling,
  deps: ChangeScorersDeps,
): Promise<{ scorer: ScorerVersion; rule: ScorerRule }> {
  if (filter) parseFilter(filter);
  let scorer: ScorerVersion | undefined;
  const rules = await changeRules(deps.rules, experimentId, async (current) => {
    scorer = await existingScorer(deps.scorers, { experimentId, name });
    const traits = deps.readTraits(scorer);
    const next = withSampling(current, { name, version: scorer.version, level: traits.level, sampleRate, filter });
    const rule = next.scorers.find((other) => other.name === name);
    const reason = (rule?.sampleRate ?? 0) > 0 ? whyNotStartable(traits, rule?.filter) : undefined;
    if (reason === undefined) return next;
    // Told when it is started, not found out on the first trace.
    throw new ApiError('INVALID_PARAMETER_VALUE', `scorer '${name}' is registered but cannot be started: ${reason}`);
  });
  const rule = rules.scorers.find((other) => other.name === name);
  if (!rule || !scorer) throw new Error(`the rules lost scorer ${name}`);
  return { scorer, rule };
}

/** Deletes one version, or all. Of a deleted latest version the one before takes the place, in the rules too. Throws ApiError. */
export async function deleteScorer(
  { experimentId, name, version }: { experimentId: string; name: string; version?: number | undefined },
  deps: ChangeScorersDeps,
): Promise<void> {
  await existingScorer(deps.scorers, { experimentId, name, version });
  const isLast = version === undefined || (await deps.scorers.versions(experimentId, name)).length <= 1;
  // A scorer that is gone and still active would be stopped by no one: its rule goes first.
  if (isLast) await changeRules(deps.rules, experimentId, (rules) => withoutScorer(rules, name));
  if (!(await deps.scorers.remove(experimentId, name, version))) throw notFound({ experimentId, name, version });
  await followLatest({ experimentId, name }, deps);
}

interface Named {
  readonly experimentId: string;
  readonly name: string;
  readonly version?: number | undefined;
}

/** A version that is there, the latest where none is named. Throws ApiError. */
export async function existingScorer(
  scorers: Pick<ScorerStore, 'get'>,
  { experimentId, name, version }: Named,
): Promise<ScorerVersion> {
  const found = await scorers.get(experimentId, name, version);
  if (!found) throw notFound({ experimentId, name, version });
  return found;
}

/** MLflow's words for it (mlflow/store/tracking/sqlalchemy_store.py). */
function notFound({ experimentId, name, version }: Named): ApiError {
  const which = version === undefined ? '' : ` and version ${version}`;
  return new ApiError(
    'RESOURCE_DOES_NOT_EXIST',
    `Scorer with name '${name}'${which} not found for experiment ${experimentId}.`,
  );
}
