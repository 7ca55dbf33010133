import { type EvaluationRequest, leaseMs } from '../evaluation.ts';
import { toScorableTrace } from '../facts/scorable.ts';
import type { JudgingMetrics } from '../judging/judging-metrics.ts';
import type {
  AssessmentArchive,
  AssessmentStore,
  EvaluationStore,
  RuleStore,
  TraceIndex,
  TraceRecord,
} from '../ports.ts';
import { blocksOf, type ReadBlocksDeps, readBlockSpans } from '../read-blocks.ts';
import type { Rules } from '../rules.ts';
import type { ScorableTrace } from '../scorable-trace.ts';
import { judgingEvent } from './judging-event.ts';
import { knownRates } from './known-rates.ts';
import { changePause, resumeScorer } from './pause-scorer.ts';
import {
  earlyWaits,
  type PrepareDeps,
  prepareEvaluations,
  type Unweighted,
  unweightedOf,
} from './prepare-evaluations.ts';
import { type RunDeps, runEvaluations } from './run-evaluations.ts';
import { weighted } from './to-assessments.ts';

export interface EvaluateTraceDeps extends PrepareDeps, RunDeps, ReadBlocksDeps {
  readonly index: Pick<TraceIndex, 'readTrace'>;
  readonly assessments: Pick<AssessmentStore, 'put'>;
  readonly outcomes: EvaluationStore;
  readonly rules: RuleStore;
  readonly archive: AssessmentArchive;
  readonly metrics: Pick<JudgingMetrics, 'note'>;
}

/** How an evaluation ended, for whoever holds its message. */
export interface Evaluated {
  /** The message is to come back, not before so many ms: a judge was not there for a moment. */
  readonly retryAfterMs?: number;
}

/** Another function judges the trace: whoever has the message keeps it, in case that one dies. */
export class EvaluationBusyError extends Error {
  override readonly name = 'EvaluationBusyError';
}

/** Runs a task when there is room for so many bytes of spans, as they are stored. */
export type InRoom = <T>(storedBytes: number, task: () => Promise<T>) => Promise<T>;

/**
 * Runs the selected scorers on one trace. What they found is stored, then archived, and only then the outcome says done: a run
 * that died is repeated and overwrites the same assessments. A deleted trace is left alone.
 */
export async function evaluateTrace(
  request: EvaluationRequest,
  { receives, inRoom, deps }: { receives: number; inRoom: InRoom; deps: EvaluateTraceDeps },
): Promise<Evaluated> {
  const record = await deps.index.readTrace(request.traceId);
  const rules = await deps.rules.current(request.experimentId);
  if (record === undefined) return forget(request, { rules, deps });
  const rateOf = await knownRates(request, { record, rules: deps.rules });
  const prepared = await prepareEvaluations(record, { request, rules, rateOf, deps });
  const { code, judges, stopped, takenOver, unweighted, isBusy } = prepared;
  const run = async () =>
    runEvaluations({ code, judges }, { request, receives, rules, deps, trace: await loadTrace(record, deps) });
  const concluded = code.length + judges.length === 0 ? [] : await inRoom(storedBytes(record), run);
  const written = await deps.assessments.put(concluded.flatMap(({ assessments }) => assessments));
  await deps.archive.addAssessments(written);
  await deps.outcomes.put([...stopped, ...concluded.map(({ outcome }) => outcome)]);
  const replaced = await Promise.all(takenOver.map(({ before, after }) => deps.outcomes.replace(before, after)));
  const isWeighed = await weigh(unweighted, { record, deps });
  if (concluded.some(({ outcome }) => outcome.unweighted)) await weighIfSampled(request, deps);
  // Now that what was found is kept: nothing is lost where this fails.
  for (const one of concluded) await changePause(one, { rules, store: deps.rules });
  // The trace was whole when its last span had arrived.
  const { experimentId, lastArrivalAt: readyAt } = record.info;
  for (const one of concluded) deps.metrics.note(judgingEvent(one, { experimentId, readyAt }));
  if (isBusy || !isWeighed || replaced.includes(false))
    throw new EvaluationBusyError(`trace ${request.traceId} is being judged by another function`);
  const waits = [
    ...concluded.flatMap(({ retryAfterMs }) => retryAfterMs ?? []),
    ...earlyWaits(record, { request, deps }),
  ];
  return waits.length > 0 ? { retryAfterMs: Math.min(...waits) } : {};
}

/**
 * What was found on demand of a trace that is sampled: for its weight it is not judged again. It is leased like what is judged, so that
 * nobody writes it anew meanwhile; answers false where somebody has, or does.
 */
async function weigh(
  unweighted: readonly Unweighted[],
  { record, deps }: { record: TraceRecord; deps: EvaluateTraceDeps },
): Promise<boolean> {
  if (unweighted.length === 0) return true;
  const now = deps.now();
  const lease = { state: 'running' as const, finishedAt: now, until: now + leaseMs };
  const leases = await Promise.all(
    unweighted.map(({ before }) => deps.outcomes.replace(before, { ...before, ...lease })),
  );
  const ours = unweighted.filter((_, i) => leases[i]);
  const lacking = ours.flatMap(({ selected }) =>
    record.assessments
      .filter(({ scorer }) => scorer?.name === selected.name && scorer.version === selected.version)
      .map((assessment) => weighted(assessment, { selected, now })),
  );
  await deps.archive.addAssessments(await deps.assessments.put(lacking));
  await deps.outcomes.put(ours.map(({ before: { unweighted: _, ...outcome } }) => outcome));
  return ours.length === unweighted.length;
}

/** The trace may have been decided, and even judged by who decided it, while this judged on demand and wrote over it. */
async function weighIfSampled(request: EvaluationRequest, deps: EvaluateTraceDeps): Promise<void> {
  const record = await deps.index.readTrace(request.traceId);
  if (!record?.info.decision?.selected.some((name) => request.scorers.some((scorer) => scorer.name === name))) return;
  const rateOf = await knownRates(request, { record, rules: deps.rules });
  await weigh(unweightedOf(record, { request, rateOf }), { record, deps });
}

/** A trace that is gone: nothing is held of it any more, and where it was to end a pause the next trace does. */
async function forget(
  { traceId, scorers }: EvaluationRequest,
  { rules, deps }: { rules: Rules; deps: EvaluateTraceDeps },
): Promise<Evaluated> {
  await deps.outcomes.remove(traceId, scorers);
  for (const selected of scorers) await resumeScorer(selected, { rules, store: deps.rules });
  return {};
}

export function storedBytes(record: TraceRecord): number {
  return blocksOf(record).reduce((sum, { length }) => sum + length, 0);
}

/** The whole trace: one fetch for all its scorers. */
export async function loadTrace(record: TraceRecord, deps: ReadBlocksDeps): Promise<ScorableTrace> {
  const spans = await readBlockSpans(blocksOf(record), deps);
  return toScorableTrace({ info: record.info, spans, assessments: record.assessments });
}
