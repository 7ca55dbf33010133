import type { Backfill, BackfillScorer, InlineScorer } from '../backfilling/backfill.ts';
import { inlineDefinition, inlineScorer } from '../backfilling/inline-scorers.ts';
import {
  defaultConcurrency,
  invalid,
  maxScorers,
  type ResolveDeps,
  rangeOf,
  requireOnce,
  requireReadable,
  runnableScorer,
} from '../backfilling/request.ts';
import { activeExperiment } from '../change-experiments.ts';
import type { Rules } from '../rules.ts';
import type { ScorerTraits } from '../scorer.ts';

/** What somebody wants to know now. */
export interface AssessRequest {
  readonly experimentId: string;
  /** Absent: what is found by the others. */
  readonly traceIds?: readonly string[] | undefined;
  readonly filter?: string | undefined;
  /** Epoch ms; by default the last seven days. */
  readonly startTime?: number | undefined;
  readonly endTime?: number | undefined;
  readonly scorers: readonly { readonly name: string; readonly version?: number | undefined }[];
  /** Their definitions can be read; whether they can run is asked here. */
  readonly inline: readonly InlineScorer[];
  readonly dryRun: boolean;
}

/** Their ids are sent in one request, and are written to one file. */
const maxNamed = 10_000;
/** They lie with their run, in an item of 400 KB. */
const maxInlineBytes = 200_000;

/**
 * The run that a request asks for: a backfill of everything that it names or finds, whatever was judged before. What can be refused is
 * refused here.
 * @throws ApiError which says what to do
 */
export async function resolveRun(
  request: AssessRequest,
  { runId, deps }: { runId: string; deps: ResolveDeps },
): Promise<Backfill & { readonly onDemand: 'named' | 'found' }> {
  const { experimentId, traceIds, dryRun } = request;
  const now = deps.now();
  requireOneWay(request);
  const range = traceIds ? { from: now, to: now } : rangeOf(request, now);
  await activeExperiment(experimentId, deps);
  const rules = await deps.rules.current(experimentId);
  const scorers = await resolveScorers(request, { runId, rules, deps });
  return {
    backfillId: runId,
    experimentId,
    revision: 1,
    scorers,
    ...range,
    mode: 'all',
    dryRun,
    onDemand: traceIds ? 'named' : 'found',
    maxConcurrency: defaultConcurrency,
    rulesVersion: rules.version,
    createdAt: now,
    state: 'planning',
    stateAt: now,
    attempt: 1,
  };
}

/** The run once its traces are known by their ids: a filter has found them already. */
export function ofNamed(run: Backfill): Backfill {
  return { ...run, scorers: run.scorers.map(({ filter: _, ...scorer }) => scorer), onDemand: 'named' };
}

function requireOneWay({ traceIds, filter, startTime, endTime }: AssessRequest): void {
  const isSearch = filter !== undefined || startTime !== undefined || endTime !== undefined;
  if ((traceIds === undefined) !== isSearch)
    throw invalid('name the traces by trace_ids, or search them by filter, start_time and end_time: one of the two');
  requireReadable(filter, 'filter');
  if (traceIds === undefined) return;
  if (traceIds.length === 0 || traceIds.length > maxNamed)
    throw invalid(
      `trace_ids must name 1 to ${maxNamed.toLocaleString('en')} traces, got ${traceIds.length.toLocaleString('en')}: ` +
        'search for more by filter and start_time',
    );
  const unlike = traceIds.find((traceId) => !/^tr-[0-9a-f]{32}$/.test(traceId));
  if (unlike !== undefined) throw invalid(`a trace id is "tr-" and 32 hex digits, got "${unlike.slice(0, 100)}"`);
}

interface ScorerContext {
  readonly runId: string;
  readonly rules: Rules;
  readonly deps: ResolveDeps;
}

async function resolveScorers(
  { experimentId, scorers, inline, filter, dryRun }: AssessRequest,
  { runId, rules, deps }: ScorerContext,
): Promise<readonly BackfillScorer[]> {
  const count = scorers.length + inline.length;
  if (count === 0 || count > maxScorers)
    throw invalid(`scorers and inline_scorers must be 1 to ${maxScorers} together, got ${count}`);
  requireOnce(
    scorers.map(({ name }) => name),
    'scorers',
  );
  requireOnce(
    inline.map(({ name }) => name),
    'inline_scorers',
  );
  const bytes = inline.reduce((sum, { serialized }) => sum + Buffer.byteLength(serialized), 0);
  if (bytes > maxInlineBytes && !dryRun)
    throw invalid(
      `inline_scorers may have ${maxInlineBytes.toLocaleString('en')} bytes together, got ${bytes.toLocaleString('en')}: register them`,
    );
  const filtered = filter?.trim() ? { filter: filter.trim() } : {};
  const registered = await Promise.all(
    scorers.map(async (wanted): Promise<BackfillScorer> => {
      const { found, traits } = await runnableScorer(wanted, { experimentId, rules, deps });
      requireOfTraces(`scorer '${wanted.name}'`, traits);
      return { name: wanted.name, version: found.version, sampleRate: 1, ...filtered };
    }),
  );
  return [
    ...registered,
    ...inline.map((one) => ({ ...resolveInline(one, { runId, experimentId, deps }), ...filtered })),
  ];
}

function resolveInline(
  inline: InlineScorer,
  { runId, experimentId, deps }: { runId: string; experimentId: string; deps: ResolveDeps },
): BackfillScorer {
  const scorer = inlineScorer(runId, inline);
  const definition = inlineDefinition(scorer, { experimentId, createdAt: deps.now() });
  if (definition) requireOfTraces(`inline scorer '${inline.name}'`, deps.readTraits(definition));
  return scorer;
}

/** Expectations are the affair of who asks: a judge that finds none says so. */
function requireOfTraces(who: string, { level, unsupported }: ScorerTraits): void {
  if (unsupported !== undefined) throw invalid(`${who} cannot run here: ${unsupported}`);
  if (level === 'session')
    throw invalid(`${who} judges sessions, which are judged as a whole once they are quiet: name scorers of traces`);
}
