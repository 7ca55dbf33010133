import { changeRules } from '../change-rules.ts';
import type { EvaluationOutcome, SelectedScorer } from '../evaluation.ts';
import type { RuleStore } from '../ports.ts';
import type { Rules, ScorerRule } from '../rules.ts';

type ScorerOf = Pick<SelectedScorer, 'name' | 'version'>;

interface RuleChange {
  /** As they are known, possibly as old as the store's cache. */
  readonly rules: Rules;
  readonly store: RuleStore;
}

/**
 * Pauses a scorer whose judge nobody can ask until something is mended. Traces that come meanwhile are not selected for it, and say
 * why; a backfill can judge them later.
 */
async function pauseScorer(
  selected: ScorerOf,
  { reason, now, rules, store }: RuleChange & { readonly reason: string; readonly now: number },
): Promise<void> {
  if (pausedByJudge(rules, selected)?.reason === reason) return;
  await changeRules(store, rules.experimentId, (current) =>
    withPause(current, selected, (rule) => {
      // Of many traces that find it out at once one says so. Paused for another cause, it stays so.
      if (rule.paused && (rule.paused.by !== 'judge' || rule.paused.reason === reason)) return rule;
      return { ...rule, paused: { reason, since: rule.paused?.since ?? now, by: 'judge' } };
    }),
  );
}

/** Resumes a scorer that was paused for its judge, now that the judge has answered. */
export async function resumeScorer(selected: ScorerOf, { rules, store }: RuleChange): Promise<void> {
  if (!pausedByJudge(rules, selected)) return;
  await changeRules(store, rules.experimentId, (current) =>
    withPause(current, selected, (rule) => {
      if (rule.paused?.by !== 'judge') return rule;
      const { paused: _, ...resumed } = rule;
      return resumed;
    }),
  );
}

/** What an evaluation that has ended says of its scorer's judge. */
export interface PauseChange {
  readonly outcome: Pick<EvaluationOutcome, 'scorerName' | 'scorerVersion' | 'reason' | 'finishedAt'>;
  /** The scorer is to be paused, for the outcome's reason, or resumed if it is. */
  readonly pauses?: boolean;
  readonly resumes?: boolean;
}

export async function changePause(
  { outcome, pauses = false, resumes = false }: PauseChange,
  change: RuleChange,
): Promise<void> {
  const { scorerName: name, scorerVersion: version, reason = '', finishedAt: now } = outcome;
  if (pauses) await pauseScorer({ name, version }, { ...change, reason, now });
  else if (resumes) await resumeScorer({ name, version }, change);
}

function pausedByJudge({ scorers }: Rules, { name, version }: ScorerOf): ScorerRule['paused'] | undefined {
  const paused = scorers.find((rule) => rule.name === name && rule.version === version)?.paused;
  return paused?.by === 'judge' ? paused : undefined;
}

/** The same rules where nothing changes. */
function withPause(rules: Rules, { name, version }: ScorerOf, change: (rule: ScorerRule) => ScorerRule): Rules {
  const scorers = rules.scorers.map((rule) => (rule.name === name && rule.version === version ? change(rule) : rule));
  const isChanged = scorers.some((rule, i) => rule !== rules.scorers[i]);
  return isChanged ? { ...rules, version: rules.version + 1, scorers } : rules;
}
