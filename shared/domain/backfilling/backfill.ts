/** A scorer of a backfill: the version and the rate that were resolved when it was asked for. */
export interface BackfillScorer {
  readonly name: string;
  readonly version: number;
  /** 0 to 1. */
  readonly sampleRate: number;
  /** Absent: every trace. */
  readonly filter?: string;
  /** It came with the run, under a name that is the run's alone (see `inlineScorer`). */
  readonly inline?: InlineScorer;
}

/** A scorer that is registered nowhere. */
export interface InlineScorer {
  /** As its assessments are called. */
  readonly name: string;
  /** As of a registered one. */
  readonly serialized: string;
}

/**
 * `planning`: its slices are being cut. `planned`: a dry run, which ends there. `running`. `paused` keeps others away from its range,
 * `cancelled` and `failed` do not; all three can be resumed. `finished`: everything has an outcome.
 */
export type BackfillState = 'planning' | 'planned' | 'running' | 'paused' | 'cancelled' | 'failed' | 'finished';

/** Names a backfill. */
export interface BackfillRef {
  readonly experimentId: string;
  /** The name of its first execution. */
  readonly backfillId: string;
}

/** Scorers run on the traces of a past range of time. */
export interface Backfill extends BackfillRef {
  /** Raised by every change; a writer names the one it read. */
  readonly revision: number;
  readonly scorers: readonly BackfillScorer[];
  /** Request times, epoch ms, inclusive. */
  readonly from: number;
  readonly to: number;
  /** `missing`: what a scorer version has an outcome for is left alone. `all`: it is judged again, once. */
  readonly mode: 'missing' | 'all';
  /** Ends with the plan. */
  readonly dryRun: boolean;
  /**
   * Somebody wants to know now, of traces that are named, or that are found in the range. It judges again what was judged, and nothing
   * of it counts in estimates: no sampling rate, no coverage. Named traces are nobody's range: it keeps no other away.
   */
  readonly onDemand?: 'named' | 'found';
  /** Pauses when its assessments have cost so much, US$. */
  readonly maxCostUsd?: number;
  /** Slices are worked off by so many at once. */
  readonly maxConcurrency: number;
  /** Of the rules that were in force when it was asked for. */
  readonly rulesVersion: number;
  /** Epoch ms. */
  readonly createdAt: number;
  readonly state: BackfillState;
  /** Since when, epoch ms. */
  readonly stateAt: number;
  /** Why it is paused, cancelled or failed. */
  readonly reason?: string;
  /** 1, raised by each resumption: what an earlier one left under way ends by itself. */
  readonly attempt: number;
  /** Of a range that reaches back behind what the trace store holds, once it was looked for in the archive. */
  readonly archived?: ArchivedPart;
  readonly plan?: BackfillPlan;
  /** How far it was when it was last looked at, for whoever asks whether it still gets on. */
  readonly lastProgress?: LastProgress;
  /** Of a finished one. */
  readonly counts?: readonly ScorerCounts[];
}

/** What of the range is served from the archive: the traces that a scorer samples are restored, the others counted there. */
export interface ArchivedPart {
  /** Request times, epoch ms, inclusive. */
  readonly from: number;
  readonly to: number;
  /** Traces of the experiment in it that were not deleted. */
  readonly found: number;
  /** Of these, those that are not below the rate of any scorer. */
  readonly notSampled: number;
  /** Of the others. */
  readonly spans: number;
  /** In the order of the scorers: traces that it samples, and that no assessment says it has judged. */
  readonly open: readonly number[];
  /** Days on which the sampled were archived, yyyy-mm-dd; absent where there are none. */
  readonly rows?: { readonly firstDay: string; readonly lastDay: string };
  /** Epoch ms. */
  readonly restoredAt?: number;
}

interface LastProgress {
  /** Evaluations that have ended or are held. */
  readonly settled: number;
  /** Since when it has been so many, epoch ms. */
  readonly at: number;
}

interface BackfillPlan {
  /** Where the slices lie: a file of JSON Lines. */
  readonly slicesKey: string;
  readonly slices: number;
  /** Traces in them when they were cut. */
  readonly traces: number;
  /** In the order of the scorers. */
  readonly predictions: readonly Prediction[];
}

/** What a scorer of a backfill is expected to do. */
export interface Prediction {
  /** Evaluations. */
  readonly evaluations: number;
  /** Absent where nothing is known to tell by. */
  readonly tokens?: number;
  readonly usd?: number;
  /**
   * What tokens and cost are told by: recent assessments of this scorer, or of the experiment's other judges; `no-model`: it asks none;
   * `unknown`: no judge of the experiment has assessed anything lately.
   */
  readonly basis: 'scorer' | 'experiment' | 'no-model' | 'unknown';
}

/** A part of the range: what stands behind `after`, up to and with `upTo`, in one partition of the order of time. */
export interface Slice {
  /** 0, 1, 2 … */
  readonly id: number;
  readonly shard: number;
  /** Positions. */
  readonly after: string;
  readonly upTo: string;
  /** When it was cut; traces that arrive later may add to it. */
  readonly traces: number;
  /** Of the archived part: traces that no scorer samples are counted in the archive, whether they are here or not. */
  readonly sampledOnly?: boolean;
  /** Its traces, where they were named; its bounds then enclose nothing. */
  readonly traceIds?: readonly string[];
}

/** What was decided about the traces of a slice, for one scorer. */
export interface DecidedCounts {
  /** Not below the rate; known by the trace's id alone. */
  readonly notSampled: number;
  /** Left out by the filter, or made by an evaluation run. */
  readonly filtered: number;
  readonly alreadyDone: number;
  /** Spans of it are still to come. */
  readonly incomplete: number;
  /** Before it was decided about. */
  readonly deleted: number;
  readonly enqueued: number;
}

/** What became of the enqueued. */
export interface EndedCounts {
  readonly judged: number;
  readonly failed: number;
  /** For longer than a backfill waits. */
  readonly held: number;
  /** Meanwhile. */
  readonly deleted: number;
  /** Held, and tried again soon. */
  readonly waiting: number;
}

export const nothingDecided: DecidedCounts = {
  notSampled: 0,
  filtered: 0,
  alreadyDone: 0,
  incomplete: 0,
  deleted: 0,
  enqueued: 0,
};

export const nothingEnded: EndedCounts = { judged: 0, failed: 0, held: 0, deleted: 0, waiting: 0 };

/**
 * How far a slice is. Written whole, and the same by whoever does the same again: nothing is ever added to it. A slice that has none
 * was not worked on.
 */
export interface SliceProgress {
  readonly sliceId: number;
  /** Of the backfill, by which its messages were sent; 0: it was decided, and nothing sent yet. */
  readonly attempt: number;
  /** Both in the order of the backfill's scorers. */
  readonly decided: readonly DecidedCounts[];
  readonly ended: readonly EndedCounts[];
  /** What its evaluations have cost. */
  readonly usd: number;
  readonly tokens: number;
}

/** Every trace that was found has one fate for each scorer: the others add up to `found`. */
export interface ScorerCounts {
  readonly found: number;
  readonly filtered: number;
  readonly notSampled: number;
  readonly alreadyDone: number;
  readonly incomplete: number;
  readonly judged: number;
  readonly failed: number;
  readonly held: number;
  readonly cancelled: number;
  readonly deleted: number;
  /** Not ended yet; 0 of one that has finished or was cancelled. */
  readonly pending: number;
}

/** An evaluation to be asked for: a trace, and the scorers by their place in the backfill. */
export interface WantedEvaluation {
  readonly traceId: string;
  readonly revision: number;
  readonly scorers: readonly number[];
}

/** What was decided about a slice, once. */
export interface SliceDecision {
  readonly decided: readonly DecidedCounts[];
  readonly wanted: readonly WantedEvaluation[];
  /** On demand: the traces that were asked for and cannot be judged, for those who ask what became of each. */
  readonly unfit?: readonly UnfitTrace[];
}

export interface UnfitTrace {
  readonly traceId: string;
  readonly fate: 'deleted' | 'incomplete';
}

/** Evaluations of which nothing more is to be learned for now. */
export function endedOf({
  judged,
  failed,
  held,
  deleted,
}: Pick<ScorerCounts, 'judged' | 'failed' | 'held' | 'deleted'>): number {
  return judged + failed + held + deleted;
}

/** Sums of counts of the same shape, by their names. */
export function addCounts<T extends { readonly [K in keyof T]: number }>(a: T, b: T): T {
  const sums = Object.keys(a).map((key) => [key, a[key as keyof T] + b[key as keyof T]]);
  return Object.fromEntries(sums) as T;
}

/** Whether an execution works on it. */
export function isUnderWay({ state }: Pick<Backfill, 'state'>): boolean {
  return state === 'planning' || state === 'running';
}

/** Whether nothing of an ended backfill is left to resume. */
export function isOver({ state }: Pick<Backfill, 'state'>): boolean {
  return state === 'finished' || state === 'planned';
}
