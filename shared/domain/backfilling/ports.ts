import type { EvaluationOutcome } from '../evaluation.ts';
import type { FoundTrace } from '../ports.ts';
import type { Backfill, BackfillRef, BackfillScorer, Slice, SliceDecision, SliceProgress } from './backfill.ts';

export interface BackfillStore {
  /** Read consistently. */
  get(backfill: BackfillRef): Promise<Backfill | undefined>;
  /** Stores a new one (revision 1); answers false where the id is taken. */
  create(backfill: Backfill): Promise<boolean>;
  /** Writes it if the one before it is the current revision; answers false otherwise. */
  replace(backfill: Backfill): Promise<boolean>;
  /** Of an experiment, newest first. */
  list(experimentId: string): Promise<readonly Backfill[]>;
}

/** Executions of the state machine. */
export interface BackfillExecutions {
  /** Starts the execution of a backfill's attempt; one that was started before is left alone. */
  start(backfill: BackfillRef & Pick<Backfill, 'attempt'>): Promise<void>;
}

/** Whether work of a backfill that is under way is still wanted. */
export interface RunningBackfills {
  isRunning(backfill: BackfillRef): Promise<boolean>;
}

/** What a backfill keeps others away from while it is not over. */
export interface BackfillClaim {
  readonly backfillId: string;
  readonly scorers: readonly Pick<BackfillScorer, 'name' | 'version'>[];
  readonly from: number;
  readonly to: number;
}

/** All claims of an experiment: one item, so that of two backfills that are asked for at once one sees the other. */
export interface ClaimBook {
  readonly experimentId: string;
  /** 0 where nothing was ever claimed. */
  readonly revision: number;
  readonly claims: readonly BackfillClaim[];
}

export interface ClaimStore {
  /** Read consistently. */
  readClaims(experimentId: string): Promise<ClaimBook>;
  /** Writes the next revision; answers false where another writer was first. */
  replaceClaims(book: ClaimBook): Promise<boolean>;
}

/** The traces of an experiment in the order of time, in a few partitions of each day. */
export interface TraceSlices {
  /** Partitions of a day. */
  readonly shards: number;
  /** Positions that enclose all traces of a range of request times, epoch ms, inclusive. */
  enclosing(range: { from: number; to: number }): Pick<Slice, 'after' | 'upTo'>;
  /** Days with traces that may lie between two positions, earliest first. */
  days(experimentId: string, between: Pick<Slice, 'after' | 'upTo'>): Promise<readonly string[]>;
  /** Counts the first `limit` of a partition; `last` is the position of the last one counted, absent where there are no more. */
  count(partition: DayPartition, limit: number): Promise<{ readonly traces: number; readonly last?: string }>;
  /** The first `limit` of a partition, oldest first. */
  read(partition: DayPartition, limit: number): Promise<readonly FoundTrace[]>;
}

export interface DayPartition extends Pick<Slice, 'shard' | 'after' | 'upTo'> {
  readonly experimentId: string;
  /** yyyy-mm-dd. */
  readonly day: string;
}

/** Slices of a backfill, as the map over them reads them. */
export interface SliceFiles {
  /** Answers the key of the file. The same slices have the same key. */
  put(backfill: BackfillRef, slices: readonly Slice[]): Promise<string>;
}

/** What was decided about slices. */
export interface SliceDecisions {
  /** One that was put: asking for another fails. */
  get(backfill: BackfillRef, sliceId: number): Promise<SliceDecision>;
  /** Answers the one that stands: where another was first, that one's. */
  put(backfill: BackfillRef, sliceId: number, decision: SliceDecision): Promise<SliceDecision>;
}

/** How far slices are. */
export interface SliceProgressStore {
  get(backfillId: string, sliceId: number): Promise<SliceProgress | undefined>;
  put(backfillId: string, progress: SliceProgress): Promise<void>;
  /** Of all slices that were worked on. */
  list(backfillId: string): AsyncIterable<SliceProgress>;
}

export type EvaluationKey = Pick<EvaluationOutcome, 'traceId' | 'scorerName' | 'scorerVersion'>;

export interface EvaluationReader {
  /** Of these evaluations, those that have an outcome. */
  outcomesOf(keys: readonly EvaluationKey[]): Promise<readonly EvaluationOutcome[]>;
}

/** That a period of time is covered: what the weight of an assessment is told by. */
export interface Coverage extends BackfillScorer {
  readonly experimentId: string;
  readonly from: number;
  readonly to: number;
  readonly backfillId: string;
  /** Epoch ms. */
  readonly finishedAt: number;
}

export interface CoverageStore {
  /** Writes or overwrites, by scorer, version and backfill. */
  put(coverage: readonly Coverage[]): Promise<void>;
}
