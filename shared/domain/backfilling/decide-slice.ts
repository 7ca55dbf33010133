import { decideRule, decideSampling, type ScorerDecision } from '../decide-sampling.ts';
import { type EvaluationOutcome, isFinished } from '../evaluation.ts';
import { InvalidFilterError } from '../filter/invalid-filter-error.ts';
import { needsAssessments, needsSpans } from '../filter/needs.ts';
import { parseFilter } from '../filter/parse-filter.ts';
import { settleInParallel, valuesOf } from '../in-parallel.ts';
import type { AssessmentStore, FoundTrace, SegmentStore, TraceCodec, TraceReader } from '../ports.ts';
import type { ScorerRule } from '../rules.ts';
import { samplingCoordinate } from '../sampling.ts';
import { spansOf } from '../spans-of.ts';
import type { TraceInfo } from '../trace.ts';
import {
  addCounts,
  type Backfill,
  type BackfillScorer,
  type DecidedCounts,
  nothingDecided,
  type SliceDecision,
  type UnfitTrace,
  type WantedEvaluation,
} from './backfill.ts';
import type { EvaluationReader } from './ports.ts';

export interface DecideDeps {
  readonly index: TraceReader;
  readonly assessments: Pick<AssessmentStore, 'listAll'>;
  readonly segments: Pick<SegmentStore, 'readBlock'>;
  readonly codec: Pick<TraceCodec, 'decode' | 'merge' | 'decompress'>;
  readonly evaluations: EvaluationReader;
}

type Fate = keyof DecidedCounts;

export type Decided = Pick<Backfill, 'experimentId' | 'scorers' | 'mode' | 'onDemand'>;

/** A trace that is below the rate of these scorers, by their place in the backfill. */
interface Sampled extends FoundTrace {
  readonly below: readonly number[];
}

/** Traces whose spans are read at once. */
const readsAtOnce = 8;

/**
 * Decides what becomes of traces, as live scoring does: filter and u < rate, on traces whose spans are all here. Above every rate the id
 * alone tells it, and nothing of the trace is read.
 */
export async function decideTraces(
  found: readonly FoundTrace[],
  { backfill, deps }: { backfill: Decided; deps: DecideDeps },
): Promise<SliceDecision> {
  const sampled = found.map((trace) => ({ ...trace, below: belowRate(trace.traceId, backfill.scorers) }));
  const asked = sampled.filter(({ below }) => below.length > 0);
  const fates = await fatesOf(asked, { backfill, deps });
  const wanted: WantedEvaluation[] = [];
  const unfit: UnfitTrace[] = [];
  let decided = backfill.scorers.map(() => nothingDecided);
  for (const trace of sampled) {
    const { info, byScorer } = fates.get(trace.traceId) ?? { info: undefined, byScorer: new Map<number, Fate>() };
    decided = decided.map((counts, i) => counted(counts, trace.below.includes(i) ? byScorer.get(i) : 'notSampled'));
    const scorers = trace.below.filter((i) => byScorer.get(i) === 'enqueued');
    if (info && scorers.length > 0) wanted.push({ traceId: trace.traceId, revision: info.revision, scorers });
    else if (info === undefined) unfit.push({ traceId: trace.traceId, fate: 'deleted' });
    else if (info.completeness === 'open') unfit.push({ traceId: trace.traceId, fate: 'incomplete' });
  }
  return { decided, wanted, ...(backfill.onDemand && { unfit }) };
}

/** Joins what was decided of two pages of one slice. */
export function joinDecisions(a: SliceDecision, b: SliceDecision): SliceDecision {
  const decided = a.decided.map((counts, i) => addCounts(counts, b.decided[i] ?? nothingDecided));
  const unfit = [...(a.unfit ?? []), ...(b.unfit ?? [])];
  return { decided, wanted: [...a.wanted, ...b.wanted], ...(unfit.length > 0 && { unfit }) };
}

function counted(counts: DecidedCounts, fate: Fate = 'deleted'): DecidedCounts {
  return { ...counts, [fate]: counts[fate] + 1 };
}

function belowRate(traceId: string, scorers: readonly BackfillScorer[]): readonly number[] {
  const u = samplingCoordinate(traceId);
  return scorers.flatMap(({ sampleRate }, i) => (u < sampleRate ? [i] : []));
}

interface TraceFates {
  readonly info: TraceInfo;
  readonly byScorer: ReadonlyMap<number, Fate>;
}

/** By trace id; a deleted trace has none. */
async function fatesOf(
  asked: readonly Sampled[],
  { backfill, deps }: { backfill: Decided; deps: DecideDeps },
): Promise<ReadonlyMap<string, TraceFates>> {
  const infos = await deps.index.getInfos(asked.map(({ traceId }) => traceId));
  const there = asked.flatMap((trace) => {
    const info = infos.get(trace.traceId);
    // Of another experiment none can be named.
    return info?.experimentId === backfill.experimentId ? [{ ...trace, info }] : [];
  });
  const subjects = await subjectReader(
    there.map(({ info }) => info),
    { backfill, deps },
  );
  const task = async ({ traceId, info, below }: (typeof there)[number]) => ({
    traceId,
    info,
    decisions: await decideTrace(info, { below, subjects, backfill }),
  });
  const decisions = valuesOf(await settleInParallel(there, { limit: readsAtOnce, task }));
  const done = await doneAmong(
    decisions.flatMap(({ traceId, decisions: byScorer }) =>
      [...byScorer].flatMap(([i, fate]) => (fate === 'enqueued' ? [{ traceId, i }] : [])),
    ),
    { backfill, deps },
  );
  return new Map(
    decisions.map(({ traceId, info, decisions: byScorer }) => {
      const ended = [...byScorer].map(([i, fate]) => [i, done.has(`${traceId}/${i}`) ? 'alreadyDone' : fate] as const);
      return [traceId, { info, byScorer: new Map(ended) }];
    }),
  );
}

type SubjectReader = (info: TraceInfo) => Promise<Parameters<typeof decideSampling>[0]['subject']>;

/** What filters are asked about: spans and assessments are read where a filter names them. */
async function subjectReader(
  infos: readonly TraceInfo[],
  { backfill, deps }: { backfill: Decided; deps: DecideDeps },
): Promise<SubjectReader> {
  const filters = backfill.scorers.flatMap(({ filter }) => readable(filter));
  const assessments = filters.some(needsAssessments) ? await deps.assessments.listAll(infos) : new Map();
  const hasSpans = filters.some(needsSpans);
  return async (info) => {
    const spans = hasSpans ? await spansOf(info, deps) : [];
    return { ...info, spans: () => spans, assessments: () => assessments.get(info.traceId) ?? [] };
  };
}

/** One that cannot be read selects nothing. */
function readable(filter: string | undefined) {
  if (filter === undefined) return [];
  try {
    return [parseFilter(filter)];
  } catch (error) {
    if (error instanceof InvalidFilterError) return [];
    throw error;
  }
}

async function decideTrace(
  info: TraceInfo,
  { below, subjects, backfill }: { below: readonly number[]; subjects: SubjectReader; backfill: Decided },
): Promise<ReadonlyMap<number, Fate>> {
  if (info.completeness === 'open') return new Map(below.map((i) => [i, 'incomplete']));
  const rules = below.flatMap((i) => backfill.scorers[i] ?? []).map(toRule);
  const subject = await subjects(info);
  // Whoever asks on demand wants to know, whoever made the trace.
  const decisions = backfill.onDemand
    ? rules.map((rule) => decideRule(rule, { u: 0, subject }))
    : decideSampling({ traceId: info.traceId, rules: { scorers: rules }, subject });
  return new Map(below.map((i, place) => [i, fateOf(decisions[place])]));
}

/** A backfill decides by a rule of its own: whether the scorer is stopped or paused now does not matter to the past. */
function toRule(scorer: BackfillScorer): ScorerRule {
  return { ...scorer, level: 'trace' };
}

function fateOf(decision: ScorerDecision | undefined): Fate {
  return decision?.kind === 'selected' ? 'enqueued' : 'filtered';
}

/** What was judged on demand still lacks the weight that a backfill gives it. */
function isDone(outcome: EvaluationOutcome): boolean {
  return isFinished(outcome) && !outcome.unweighted;
}

/** `<trace id>/<scorer's place>` of those that have been judged already. */
async function doneAmong(
  selected: readonly { traceId: string; i: number }[],
  { backfill, deps }: { backfill: Decided; deps: DecideDeps },
): Promise<ReadonlySet<string>> {
  if (backfill.mode === 'all' || selected.length === 0) return new Set();
  const keys = selected.flatMap(({ traceId, i }) => {
    const scorer = backfill.scorers[i];
    return scorer ? [{ traceId, scorerName: scorer.name, scorerVersion: scorer.version }] : [];
  });
  const outcomes = await deps.evaluations.outcomesOf(keys);
  const placeOf = ({ scorerName, scorerVersion }: EvaluationOutcome) =>
    backfill.scorers.findIndex(({ name, version }) => name === scorerName && version === scorerVersion);
  return new Set(outcomes.filter(isDone).map((outcome) => `${outcome.traceId}/${placeOf(outcome)}`));
}
