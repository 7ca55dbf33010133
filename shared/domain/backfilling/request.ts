import { ApiError } from '../api-error.ts';
import { activeExperiment } from '../change-experiments.ts';
import { InvalidFilterError } from '../filter/invalid-filter-error.ts';
import { parseFilter } from '../filter/parse-filter.ts';
import type { Clock, ExperimentStore, RuleStore, ScorerStore } from '../ports.ts';
import { whyNotStartable } from '../registering/startable.ts';
import type { Rules, ScorerRule } from '../rules.ts';
import type { ScorerTraits, ScorerVersion } from '../scorer.ts';
import type { Backfill, BackfillScorer } from './backfill.ts';
import { requireFree } from './claims.ts';
import type { BackfillStore, ClaimStore } from './ports.ts';

/** What a backfill is asked for with. */
export interface BackfillRequest {
  readonly experimentId: string;
  readonly scorers: readonly WantedScorer[];
  /** Epoch ms. */
  readonly startTime?: number | undefined;
  readonly endTime?: number | undefined;
  /** In the place of the scorers' own filters; empty: every trace. */
  readonly filter?: string | undefined;
  readonly mode: Backfill['mode'];
  readonly dryRun: boolean;
  /** US$. */
  readonly maxCostUsd?: number | undefined;
  readonly maxConcurrency?: number | undefined;
}

interface WantedScorer {
  readonly name: string;
  /** Absent: the latest. */
  readonly version?: number | undefined;
  /** Absent: the rate that the scorer has. */
  readonly sampleRate?: number | undefined;
}

export interface ResolveDeps {
  readonly experiments: Pick<ExperimentStore, 'get'>;
  readonly scorers: Pick<ScorerStore, 'get' | 'list'>;
  readonly rules: Pick<RuleStore, 'current'>;
  readonly backfills: Pick<BackfillStore, 'get'> & Pick<ClaimStore, 'readClaims'>;
  readonly readTraits: (version: ScorerVersion) => ScorerTraits;
  readonly now: Clock;
}

const defaultRangeMs = 7 * 86_400_000;
/** Clocks differ. */
const toleratedFutureMs = 60_000;
/** Of the map: each works off thousands of traces a minute, and the queue behind it is the narrower place. */
export const defaultConcurrency = 10;
const maxConcurrency = 100;
/** As many as an experiment may have active. */
export const maxScorers = 20;

/**
 * The backfill that a request asks for, with every version and rate resolved. Whatever can be refused is refused here, before anything
 * is planned or spent.
 * @throws ApiError which says what to do
 */
export async function resolveBackfill(
  request: BackfillRequest,
  { backfillId, deps }: { backfillId: string; deps: ResolveDeps },
): Promise<Backfill> {
  const { experimentId, mode, dryRun, maxCostUsd } = request;
  const now = deps.now();
  const range = rangeOf(request, now);
  await activeExperiment(experimentId, deps);
  const rules = await deps.rules.current(experimentId);
  const scorers = await resolveScorers(request, { rules, deps });
  if (maxCostUsd !== undefined && !(maxCostUsd > 0)) throw invalid(`max_cost_usd must be above 0, got ${maxCostUsd}`);
  const backfill: Backfill = {
    backfillId,
    experimentId,
    revision: 1,
    scorers,
    ...range,
    mode,
    dryRun,
    ...(maxCostUsd !== undefined && { maxCostUsd }),
    maxConcurrency: concurrencyOf(request),
    rulesVersion: rules.version,
    createdAt: now,
    state: 'planning',
    stateAt: now,
    attempt: 1,
  };
  const book = await deps.backfills.readClaims(experimentId);
  await requireFree({ backfillId, scorers, ...range }, { book, backfills: deps.backfills });
  return backfill;
}

/** @throws ApiError */
export function rangeOf(
  { startTime, endTime }: Pick<BackfillRequest, 'startTime' | 'endTime'>,
  now: number,
): { from: number; to: number } {
  const to = endTime ?? now;
  const from = startTime ?? to - defaultRangeMs;
  const said = (time: number) => new Date(time).toISOString();
  const future = [startTime, endTime].find((time) => time !== undefined && time > now + toleratedFutureMs);
  if (future !== undefined) throw invalid(`start_time and end_time must be past: ${said(future)} is in the future`);
  if (from >= to) throw invalid(`start_time must be before end_time, got ${said(from)} and ${said(to)}`);
  return { from, to };
}

function concurrencyOf({ maxConcurrency: wanted = defaultConcurrency }: BackfillRequest): number {
  if (Number.isInteger(wanted) && wanted >= 1 && wanted <= maxConcurrency) return wanted;
  throw invalid(`max_concurrency must be a whole number from 1 to ${maxConcurrency}, got ${wanted}`);
}

async function resolveScorers(
  request: BackfillRequest,
  { rules, deps }: { rules: Rules; deps: ResolveDeps },
): Promise<readonly BackfillScorer[]> {
  const { scorers } = request;
  if (scorers.length === 0 || scorers.length > maxScorers)
    throw invalid(`scorers must name 1 to ${maxScorers} scorers, got ${scorers.length}`);
  const names = scorers.map(({ name }) => name);
  requireOnce(names, 'scorers');
  requireReadable(request.filter, 'filter');
  return Promise.all(scorers.map((wanted) => resolveScorer(wanted, { request, rules, deps })));
}

/** A version that is registered and can run on traces now. @throws ApiError which says what to do */
export async function runnableScorer(
  { name, version }: Pick<WantedScorer, 'name' | 'version'>,
  { experimentId, rules, deps }: { experimentId: string; rules: Rules; deps: ResolveDeps },
): Promise<{ readonly found: ScorerVersion; readonly traits: ScorerTraits; readonly rule: ScorerRule | undefined }> {
  const found = await deps.scorers.get(experimentId, name, version);
  if (!found) throw await notFound({ experimentId, name, version }, deps);
  const rule = rules.scorers.find((other) => other.name === name);
  if (rule?.paused?.by === 'judge')
    throw invalid(`scorer '${name}' is paused, because its judge cannot be asked: ${rule.paused.reason}`);
  return { found, traits: deps.readTraits(found), rule };
}

async function resolveScorer(
  { name, version, sampleRate }: WantedScorer,
  { request, rules, deps }: { request: BackfillRequest; rules: Rules; deps: ResolveDeps },
): Promise<BackfillScorer> {
  const { experimentId } = request;
  const { found, traits, rule } = await runnableScorer({ name, version }, { experimentId, rules, deps });
  // Before its rate: who is told to give one shall not then hear that it is for nothing.
  if (traits.level === 'session') throw notBackfilled(name, sessionsReason);
  const rate = sampleRate ?? rule?.sampleRate ?? 0;
  if (!(rate >= 0 && rate <= 1))
    throw invalid(`sample_rate of scorer '${name}' must be between 0.0 and 1.0, got ${rate}`);
  if (sampleRate === undefined && rate === 0)
    throw invalid(`scorer '${name}' is not started, so it has no sampling rate of its own: give a sample_rate`);
  const filter = (request.filter ?? rule?.filter)?.trim() || undefined;
  requireReadable(filter, `the filter of scorer '${name}'`);
  const reason = whyNotStartable(traits, filter);
  if (reason !== undefined) throw notBackfilled(name, reason);
  return { name, version: found.version, sampleRate: rate, ...(filter !== undefined && { filter }) };
}

const sessionsReason = 'it judges sessions, which are judged when they are quiet; a backfill judges traces';

function notBackfilled(name: string, reason: string): ApiError {
  return invalid(`scorer '${name}' cannot be backfilled: ${reason}`);
}

/** The text that databricks-agents has. */
async function notFound(
  { experimentId, name, version }: { experimentId: string; name: string; version: number | undefined },
  { scorers }: ResolveDeps,
): Promise<ApiError> {
  const known = await scorers.list(experimentId);
  const of = known.find((scorer) => scorer.name === name);
  if (of !== undefined && version !== undefined) {
    return new ApiError(
      'RESOURCE_DOES_NOT_EXIST',
      `Scheduled scorer '${name}' version ${version} not found in experiment '${experimentId}'. Its latest version is ${of.version}`,
    );
  }
  const names = known.map((scorer) => `'${scorer.name}'`).join(', ');
  return new ApiError(
    'RESOURCE_DOES_NOT_EXIST',
    `Scheduled scorer '${name}' not found in experiment '${experimentId}'. Available scorers: [${names}]`,
  );
}

export function requireOnce(names: readonly string[], where: string): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw invalid(`${where} names '${twice}' twice`);
}

/** @throws ApiError where a filter is no filter */
export function requireReadable(filter: string | undefined, where: string): void {
  if (filter === undefined || filter.trim() === '') return;
  try {
    parseFilter(filter);
  } catch (error) {
    if (error instanceof InvalidFilterError) throw invalid(`${where} cannot be read: ${error.message}`);
    throw error;
  }
}

export function invalid(message: string): ApiError {
  return new ApiError('INVALID_PARAMETER_VALUE', message);
}
