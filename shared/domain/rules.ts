import type { ExperimentSettings } from './experiment.ts';

/** One version of what is active in an experiment: the only truth about it. */
export interface Rules {
  readonly experimentId: string;
  /** 0 before the first change. */
  readonly version: number;
  readonly scorers: readonly ScorerRule[];
  readonly settings: ExperimentSettings;
}

export interface ScorerRule {
  readonly name: string;
  readonly version: number;
  readonly level: 'trace' | 'session';
  /** 0 (stopped) to 1. */
  readonly sampleRate: number;
  /** A filter string in MLflow's grammar; absent: every trace. */
  readonly filter?: string;
  /** Set by Assay while the scorer cannot run. */
  readonly paused?: {
    readonly reason: string;
    readonly since: number;
    /** Its judge cannot be asked: it resumes when the judge answers. Otherwise a version that can run resumes it. */
    readonly by?: 'judge';
  };
}

/** At most so many scorers of one experiment are active (rate above 0) at once. */
export const maxActiveScorers = 20;

/** Whether a scorer judges nothing any more, by the will of whoever set it: stopped, or deleted. */
export function isStopped(scorer: string, { scorers }: Pick<Rules, 'scorers'>): boolean {
  return !scorers.some(({ name, sampleRate }) => name === scorer && sampleRate > 0);
}
