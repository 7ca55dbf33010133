import { decideSampling, type ScorerDecision } from '../decide-sampling.ts';
import type { TraceRecord } from '../ports.ts';
import type { Rules, ScorerRule } from '../rules.ts';
import { samplingCoordinate } from '../sampling.ts';
import type { ScorableSpan } from '../scorable-trace.ts';
import type { SessionRecord } from '../session.ts';
import type { TraceDecision } from '../trace.ts';
import { explainSession } from './explain-session.ts';
import type { ScorerExplanation, ScorerReason, TraceExplanation } from './explanation.ts';

/** What an explanation is made of. */
export interface Evidence {
  readonly record: TraceRecord;
  /** The version that decided the trace; of an undecided one the version that is in force. */
  readonly rules: Rules;
  /** The names that are asked about, and when each was registered first, epoch ms; undefined for one that never was. */
  readonly scorers: ReadonlyMap<string, number | undefined>;
  /** Of the trace; needed where a filter asks about spans. */
  readonly spans: readonly ScorableSpan[];
  /** The trace's session; needed for scorers of sessions, absent where none of them could ever select it. */
  readonly session?: SessionRecord;
}

/**
 * Says why each scorer did, or did not, judge a trace. The decision that was stored is what happened; it is replayed to find its
 * reason. A replay sees the trace as it is now: where spans or tags came since and it says otherwise, that is said, and changes nothing.
 */
export function explainTrace(evidence: Evidence): TraceExplanation {
  const { info } = evidence.record;
  const { traceId, experimentId, completeness, decision } = info;
  const decisions = replay(evidence);
  const names = [...evidence.scorers.keys()].toSorted((a, b) => (a < b ? -1 : 1));
  return {
    traceId,
    experimentId,
    completeness,
    u: samplingCoordinate(traceId),
    ...(decision && { decision }),
    scorers: names.map((name) => explainScorer(name, { evidence, replayed: decisions.get(name) })),
  };
}

function replay({ record, rules, spans }: Evidence): ReadonlyMap<string, ScorerDecision> {
  const { traceId, experimentId, facts } = record.info;
  const subject = { traceId, experimentId, facts, spans: () => spans, assessments: () => record.assessments };
  return new Map(decideSampling({ traceId, rules, subject }).map((decision) => [decision.name, decision]));
}

function explainScorer(
  name: string,
  { evidence, replayed }: { evidence: Evidence; replayed: ScorerDecision | undefined },
): ScorerExplanation {
  const rule = evidence.rules.scorers.find((other) => other.name === name);
  if (rule === undefined || replayed === undefined) return { name, ...reasonWithoutRule(name, evidence) };
  const { version, sampleRate, filter } = rule;
  const { decision } = evidence.record.info;
  return {
    name,
    version,
    sampleRate,
    ...(filter !== undefined && { filter }),
    ...(rule.level === 'session' ? explainSession(rule, evidence) : reasonOf(decision, { evidence, rule, replayed })),
  };
}

function reasonOf(
  decision: TraceDecision | undefined,
  { evidence, rule, replayed }: { evidence: Evidence; rule: ScorerRule; replayed: ScorerDecision },
): ScorerReason {
  return decision ? decidedReason(decision, { evidence, rule, replayed }) : undecidedReason(evidence, replayed);
}

function reasonWithoutRule(name: string, { record, scorers }: Evidence): ScorerReason {
  const registeredAt = scorers.get(name);
  if (registeredAt === undefined) return { kind: 'not-registered' };
  const { decision } = record.info;
  return decision && registeredAt > decision.decidedAt
    ? { kind: 'not-registered', registeredAt }
    : { kind: 'not-started' };
}

/** What does not depend on the trace will be so when it is decided, unless the rules are changed. */
function undecidedReason({ record: { info } }: Evidence, replayed: ScorerDecision): ScorerReason {
  if (replayed.kind === 'stopped' || replayed.kind === 'paused') return replayed;
  if (info.completeness !== 'open') return { kind: 'undecided' };
  const { facts, explicit, dueAt } = info;
  return {
    kind: 'open',
    spansHere: facts.spanCount,
    ...(explicit?.spanCount !== undefined && { spansExpected: explicit.spanCount }),
    ...(dueAt !== undefined && { closesAt: dueAt }),
  };
}

function decidedReason(
  decision: TraceDecision,
  { evidence, rule, replayed }: { evidence: Evidence; rule: ScorerRule; replayed: ScorerDecision },
): ScorerReason {
  if (!decision.selected.includes(rule.name)) return replayed.kind === 'selected' ? { kind: 'changed' } : replayed;
  return {
    ...outcomeOf(rule, evidence.record),
    ...(replayed.kind !== 'selected' && { otherwiseNow: replayed }),
  };
}

function outcomeOf({ name, version }: ScorerRule, { outcomes, assessments }: TraceRecord) {
  const outcome = outcomes.find((other) => other.scorerName === name && other.scorerVersion === version);
  if (outcome === undefined) return { kind: 'queued' as const };
  const { finishedAt, reason = 'no reason was kept', until } = outcome;
  if (outcome.state === 'running') return { kind: outcome.state, finishedAt };
  if (outcome.state === 'held') {
    return { kind: outcome.state, finishedAt, reason, ...(until !== undefined && { until }) };
  }
  const found = assessments.filter(({ scorer }) => scorer?.name === name && scorer.version === version);
  return outcome.state === 'failed'
    ? { kind: outcome.state, finishedAt, reason, found }
    : { kind: outcome.state, finishedAt, found };
}
