import type { Assessment } from '../../shared/domain/assessment.ts';
import { askJudges, type Judging } from '../../shared/domain/evaluating/ask-judges.ts';
import {
  type ConcludedEvaluation,
  concludeFailure,
  concludeResults,
} from '../../shared/domain/evaluating/conclude-evaluation.ts';
import { runEvaluations } from '../../shared/domain/evaluating/run-evaluations.ts';
import { defaultSettings } from '../../shared/domain/experiment.ts';
import type { Clock } from '../../shared/domain/ports.ts';
import type { Rules } from '../../shared/domain/rules.ts';
import type { ScorableTrace } from '../../shared/domain/scorable-trace.ts';
import type { Runnable, ScorerTraits, ScorerVersion } from '../../shared/domain/scorer.ts';

export interface LocalScorer {
  readonly version: ScorerVersion;
  readonly level: ScorerTraits['level'];
  readonly scorer: Exclude<Runnable, { readonly unsupported: string }>;
}

export interface EvaluatorDeps {
  readonly judging: Judging;
  readonly now: Clock;
  readonly sleep: (ms: number) => Promise<void>;
}

/** What one scorer found in a trace. */
export interface ScorerOutcome {
  readonly scorer: string;
  /** `held`: it could not be asked, and nothing was found out. */
  readonly state: 'judged' | 'failed' | 'held';
  readonly reason?: string;
  readonly assessments: readonly Assessment[];
  readonly usd: number;
  readonly tokens: number;
}

/** A judge that is not there is asked again after 5, 10 and 20 s, one that throttles for three minutes. */
const [maxAttempts, maxAttemptsAtThrottled] = [4, 7];

/** A trace, or those of a session in the order of time, of which the first has what is found. */
export type Subject = readonly [ScorableTrace, ...ScorableTrace[]];

/**
 * Runs scorers of one level on what they judge as production does, and keeps nothing. A scorer whose judge cannot be asked, by its configuration or because it is down,
 * is not asked for further traces: they would wait as long, each of them.
 */
export function createEvaluator(
  scorers: readonly LocalScorer[],
  deps: EvaluatorDeps,
): (subject: Subject) => Promise<readonly ScorerOutcome[]> {
  const givenUp = new Map<string, string>();

  async function attempt(
    asked: readonly LocalScorer[],
    subject: Subject,
    attempts = 1,
  ): Promise<readonly ConcludedEvaluation[]> {
    const concluded = await conclude(asked, { subject, attempts, deps });
    const again = concluded.filter((one) => one.retryAfterMs !== undefined && attempts < attemptsFor(one));
    const ended = concluded.filter((one) => !again.includes(one));
    for (const { outcome, end, pauses } of ended)
      if (pauses || (end.kind === 'held' && end.by === 'unavailable'))
        givenUp.set(outcome.scorerName, outcome.reason ?? '');
    if (again.length === 0) return ended;
    await deps.sleep(Math.max(...again.map(({ retryAfterMs = 0 }) => retryAfterMs)));
    const names = new Set(again.map(({ outcome }) => outcome.scorerName));
    const left = asked.filter(({ version }) => names.has(version.name));
    return [...ended, ...(await attempt(left, subject, attempts + 1))];
  }

  return async (subject) => {
    const asked = scorers.filter(({ version }) => !givenUp.has(version.name));
    const outcomes = new Map((await attempt(asked, subject)).map((one) => [one.outcome.scorerName, toOutcome(one)]));
    return scorers.map(({ version: { name } }) => outcomes.get(name) ?? notAsked(name, givenUp.get(name)));
  };
}

function attemptsFor({ end }: ConcludedEvaluation): number {
  return end.kind === 'held' && end.by === 'throttled' ? maxAttemptsAtThrottled : maxAttempts;
}

const rules: Rules = { experimentId: '0', version: 0, scorers: [], settings: defaultSettings };

async function conclude(
  asked: readonly LocalScorer[],
  { subject, attempts, deps }: { subject: Subject; attempts: number; deps: EvaluatorDeps },
): Promise<readonly ConcludedEvaluation[]> {
  const [trace] = subject;
  const { traceId, experimentId } = trace;
  const selected = ({ name, version }: ScorerVersion) => ({ name, version, sampleRate: 1 });
  const scorers = asked.map(({ version }) => selected(version));
  const evaluations = asked.map(({ version, scorer }) => ({
    ...{ version, selected: selected(version), before: undefined },
    scorer,
  }));
  const code = evaluations.flatMap(({ scorer, ...rest }) => ('judge' in scorer ? [] : [{ ...rest, scorer }]));
  const judges = evaluations.flatMap(({ scorer, ...rest }) => ('judge' in scorer ? [{ ...rest, scorer }] : []));
  const request = { traceId, experimentId, rulesVersion: 0, revision: 0, scorers };
  const context = { request, receives: attempts, rules, trace, deps };
  if (asked.some(({ level }) => level === 'trace')) return runEvaluations({ code, judges }, context);
  // Only judges judge sessions.
  const judged = await askJudges(judges, { traces: subject, rules, judging: deps.judging });
  return judged.map((found, i) => {
    const evaluation = judges[i] as (typeof judges)[number];
    return 'failure' in found
      ? concludeFailure(evaluation, { ...context, ...found })
      : concludeResults(evaluation, { ...context, ...found });
  });
}

function toOutcome({ outcome, assessments, end, spent }: ConcludedEvaluation): ScorerOutcome {
  const { scorerName: scorer, reason } = outcome;
  const { usd, tokens } = spent;
  return { scorer, state: end.kind, ...(reason !== undefined && { reason }), assessments, usd, tokens };
}

function notAsked(scorer: string, reason = ''): ScorerOutcome {
  return { scorer, state: 'held', reason, assessments: [], usd: 0, tokens: 0 };
}
