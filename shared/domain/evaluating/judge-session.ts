import type { SelectedScorer } from '../evaluation.ts';
import type { Judge } from '../judging/judge.ts';
import { type JudgedResult, type RunJudgesDeps, runJudges } from '../judging/run-judges.ts';
import type { ScorableTrace } from '../scorable-trace.ts';
import type { ScorerVersion } from '../scorer.ts';

/** A scorer that is to judge a session. */
export interface SessionTask {
  readonly selected: SelectedScorer;
  readonly version: ScorerVersion;
}

/** What came of it. */
export type SessionVerdict =
  | { readonly results: readonly JudgedResult[] }
  /** Nothing is known: it is tried again. */
  | { readonly failure: Error }
  /** This version of Assay does not execute it: the reason. */
  | { readonly held: string };

/** Judges a session by its traces, in the order of time; answers in the order of the tasks. */
export type JudgeSession = (
  tasks: readonly SessionTask[],
  traces: readonly ScorableTrace[],
) => Promise<readonly SessionVerdict[]>;

/** A version as a judge; `held` and `unsupported` as in `Runnable`. */
export type SessionRunnable = Judge | { readonly held: string } | { readonly unsupported: string };

/** Judges sessions by models. */
export function modelSessionJudging(
  createJudge: (version: ScorerVersion) => SessionRunnable,
  judging: RunJudgesDeps,
): JudgeSession {
  return async (tasks, traces) => {
    const runnables = tasks.map(({ version }) => createJudge(version));
    const judges = runnables.flatMap((judge, i) =>
      'plan' in judge ? [{ judge, task: i, scope: scopeOf(tasks[i]) }] : [],
    );
    const outcomes = await runJudges(judges, { traces, deps: judging });
    const byTask = new Map(judges.map(({ task }, i) => [task, outcomes[i]] as const));
    return runnables.map((runnable, i): SessionVerdict => {
      if ('held' in runnable) return runnable;
      if ('unsupported' in runnable) return notSupported(tasks[i] as SessionTask, runnable.unsupported);
      return byTask.get(i) ?? { failure: new Error(`judge ${runnable.name} has no outcome`) };
    });
  };
}

function scopeOf(task: SessionTask | undefined): string {
  return `${task?.version.scorerId}#${task?.version.version}`;
}

function notSupported({ selected }: SessionTask, message: string): SessionVerdict {
  const error = { code: 'SCORER_NOT_SUPPORTED', message };
  return { results: [{ value: null, error, source: { type: 'CODE', id: selected.name } }] };
}
