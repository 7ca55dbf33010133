import { InvalidFilterError } from './filter/invalid-filter-error.ts';
import { type FilterOutcome, matchFilter } from './filter/match-filter.ts';
import { needsSpans } from './filter/needs.ts';
import { parseFilter } from './filter/parse-filter.ts';
import type { FilterSubject } from './filter/subject.ts';
import type { Rules, ScorerRule } from './rules.ts';
import { samplingCoordinate } from './sampling.ts';
import type { TraceFacts } from './trace.ts';

/** Metadata by which MLflow's client names the run that a trace was made in; one that was only linked to a run has none. */
const evaluationRunKey = 'mlflow.sourceRun';

/** The run that made a trace, and judges it itself. */
export function evaluationRunOf({ metadata }: Pick<TraceFacts, 'metadata'>): string | undefined {
  return metadata[evaluationRunKey] || undefined;
}

/** What the rules say about one scorer and one trace, and why. */
export type ScorerDecision =
  | { readonly kind: 'selected'; readonly name: string; readonly version: number; readonly sampleRate: number }
  /** `clause` is the first one of the filter that does not hold. */
  | { readonly kind: 'not-matched'; readonly name: string; readonly clause: string }
  /** `u` is the trace's sampling coordinate; it is not below `rate`. */
  | { readonly kind: 'not-sampled'; readonly name: string; readonly u: number; readonly rate: number }
  | { readonly kind: 'stopped'; readonly name: string }
  | { readonly kind: 'paused'; readonly name: string; readonly reason: string }
  /** The trace was made by an evaluation run, which judges it itself. */
  | { readonly kind: 'evaluation-run'; readonly name: string; readonly runId: string }
  /** Sessions are sampled by their own id, not trace by trace. */
  | { readonly kind: 'session-level'; readonly name: string };

/**
 * Decides for every scorer of an experiment whether it judges a settled trace: its filter matches and u < sample rate.
 * Depends on the trace and the rules alone, so it can be replayed at any time on a stored version of the rules.
 * As in MLflow, traces of evaluation runs are left out.
 * A trace is `not-sampled` only where the filter matches: it belongs to what the rate is a share of.
 */
export function decideSampling({
  traceId,
  rules,
  subject,
}: {
  traceId: string;
  rules: Pick<Rules, 'scorers'>;
  subject: FilterSubject;
}): readonly ScorerDecision[] {
  const u = samplingCoordinate(traceId);
  return rules.scorers.map((rule) => decideScorer(rule, { u, subject }));
}

/** Whether any filter need be asked about: the trace's coordinate lies below the highest rate of an active trace scorer. */
export function mayBeSelected(traceId: string, rules: Pick<Rules, 'scorers'>): boolean {
  return isBelowHighestRate(traceId, { rules, level: 'trace' });
}

/** The same of a session and the scorers of sessions. */
export function maySessionBeSelected(sessionId: string, rules: Pick<Rules, 'scorers'>): boolean {
  return isBelowHighestRate(sessionId, { rules, level: 'session' });
}

function isBelowHighestRate(
  id: string,
  { rules, level }: { rules: Pick<Rules, 'scorers'>; level: ScorerRule['level'] },
): boolean {
  const active = rules.scorers.filter((rule) => rule.level === level && rule.paused === undefined);
  const highest = Math.max(0, ...active.map(({ sampleRate }) => sampleRate));
  return highest > 0 && samplingCoordinate(id) < highest;
}

function decideScorer(rule: ScorerRule, { u, subject }: { u: number; subject: FilterSubject }): ScorerDecision {
  const { name, level } = rule;
  if (level === 'session') return { kind: 'session-level', name };
  const runId = evaluationRunOf(subject.facts);
  return runId === undefined ? decideRule(rule, { u, subject }) : { kind: 'evaluation-run', name, runId };
}

/** What rate, pause and filter of a rule say; `u` is the coordinate of what it judges. */
export function decideRule(
  rule: ScorerRule,
  { u, subject }: { u: number; subject: FilterSubject },
): Exclude<ScorerDecision, { kind: 'session-level' | 'evaluation-run' }> {
  const { name, version, sampleRate } = rule;
  if (sampleRate <= 0) return { kind: 'stopped', name };
  if (rule.paused !== undefined) return { kind: 'paused', name, reason: rule.paused.reason };
  const outcome = askFilter(rule.filter, subject);
  if ('unreadable' in outcome) return { kind: 'paused', name, reason: outcome.unreadable };
  if (!outcome.matched) return { kind: 'not-matched', name, clause: outcome.clause };
  return u < sampleRate
    ? { kind: 'selected', name, version, sampleRate }
    : { kind: 'not-sampled', name, u, rate: sampleRate };
}

/** Whether the spans of a trace have to be read to decide a rule. A filter that cannot be read selects nothing, with spans or without. */
export function readsSpans({ filter }: ScorerRule): boolean {
  if (filter === undefined) return false;
  try {
    return needsSpans(parseFilter(filter));
  } catch (error) {
    if (error instanceof InvalidFilterError) return false;
    throw error;
  }
}

/** A filter that cannot be read holds back its own scorer and no other: rules outlive the grammar that accepted them. */
function askFilter(
  filter: string | undefined,
  subject: FilterSubject,
): FilterOutcome | { readonly unreadable: string } {
  if (filter === undefined) return { matched: true };
  try {
    return matchFilter(parseFilter(filter), subject);
  } catch (error) {
    if (error instanceof InvalidFilterError) return { unreadable: `its filter cannot be read: ${error.message}` };
    throw error;
  }
}
