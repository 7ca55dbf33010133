import type { Assessment } from './assessment.ts';
import type { Experiment } from './experiment.ts';
import type { EvaluationOutcome } from './evaluation.ts';
import type { ApiKey } from './api-key.ts';
import type { Rules } from './rules.ts';
import type { ScorerVersion } from './scorer.ts';
import type { BlockRef, TraceInfo } from './trace.ts';

/** The index of traces: one `info` a trace, its blocks, evaluations and assessments beside it. */
export interface TraceIndex {
  /**
   * Founds traces that are not there yet. Returns, in the order given, whether each was founded or was there before;
   * one that was there is left as it is.
   */
  foundTraces(infos: readonly TraceInfo[]): Promise<readonly ('founded' | 'exists')[]>;
  /** The info of each trace that exists, read consistently. */
  getInfos(traceIds: readonly string[]): Promise<ReadonlyMap<string, TraceInfo>>;
  /** Of `blocks`, the hashes that the trace's index already names, merged or not. */
  knownBlocks(blocks: readonly TraceBlock[]): Promise<ReadonlySet<string>>;
  /** Adds further blocks; adding one twice changes nothing. */
  addBlocks(blocks: readonly TraceBlock[]): Promise<void>;
  /**
   * Marks a trace as having unmerged blocks, due to be settled at `dueAt`.
   * Returns false where a settling is already due between `now` and `dueAt`, so that one message serves many arrivals.
   */
  markUnsettled(traceId: string, mark: { now: number; dueAt: number }): Promise<boolean>;
  /** Clears the mark, before the blocks are read: what arrives afterwards marks the trace again. */
  clearUnsettled(traceId: string): Promise<void>;
  /** Info and unmerged further blocks of one trace, read consistently; undefined where there is no such trace. */
  readTrace(traceId: string): Promise<{ info: TraceInfo; blocks: readonly BlockRef[] } | undefined>;
  /** Writes the info if its revision is still `expectedRevision`; returns false where another writer was first. */
  replaceInfo(info: TraceInfo, expectedRevision: number): Promise<boolean>;
  /** Remembers blocks as merged: their bytes stay findable for deletion, their redelivery is recognised. */
  markMerged(blocks: readonly TraceBlock[]): Promise<void>;
  /** Keeps spans apart that came with another experiment's key. */
  addForeignBlocks(blocks: readonly (TraceBlock & { experimentId: string })[]): Promise<void>;
  /** Due, unfinished traces of one shard, oldest first, at most `limit`. */
  listDueTraces(shard: number, options: { now: number; limit: number }): Promise<readonly DueTrace[]>;
}

export interface TraceBlock {
  readonly traceId: string;
  readonly block: BlockRef;
}

export interface DueTrace {
  readonly traceId: string;
  readonly experimentId: string;
  readonly dueAt: number;
}

/** Segments: the spans of many traces in one object, found by key, offset and length. */
export interface SegmentStore {
  put(key: string, bytes: Uint8Array): Promise<void>;
  readBlock(block: BlockRef): Promise<Uint8Array>;
}

/** Bodies too large for a message. */
export interface Inbox {
  put(key: string, body: Uint8Array): Promise<void>;
  get(key: string): Promise<Uint8Array>;
}

export interface RuleStore {
  /** The current rules, possibly as old as the cache time of the store; version 0 without scorers where none were ever set. */
  current(experimentId: string): Promise<Rules>;
  /** A version that was once current. */
  version(experimentId: string, version: number): Promise<Rules | undefined>;
  /** Writes the next version if `rules.version - 1` is the current one; returns false where another writer was first. */
  replace(rules: Rules): Promise<boolean>;
}

export interface ScorerStore {
  /** Stores the next version of the name; concurrent registrations get different versions. */
  register(scorer: Omit<ScorerVersion, 'version' | 'scorerId'>): Promise<ScorerVersion>;
  /** The latest version where none is named. */
  get(experimentId: string, name: string, version?: number): Promise<ScorerVersion | undefined>;
  /** The latest version of every name, by name. */
  list(experimentId: string): Promise<readonly ScorerVersion[]>;
  versions(experimentId: string, name: string): Promise<readonly ScorerVersion[]>;
}

export interface ExperimentStore {
  get(experimentId: string): Promise<Experiment | undefined>;
  getByName(name: string): Promise<Experiment | undefined>;
  list(): Promise<readonly Experiment[]>;
  /** Takes the next id; undefined where the name is taken. */
  create(experiment: Omit<Experiment, 'experimentId'>): Promise<Experiment | undefined>;
}

export interface KeyStore {
  /** By the lower-case hex sha256 of the key. */
  get(keyHash: string): Promise<ApiKey | undefined>;
  put(keyHash: string, key: ApiKey): Promise<void>;
}

export interface AssessmentStore {
  /** Writes or overwrites by id. */
  put(assessments: readonly Assessment[]): Promise<void>;
  list(traceId: string): Promise<readonly Assessment[]>;
}

export interface EvaluationStore {
  list(traceId: string): Promise<readonly EvaluationOutcome[]>;
  put(outcomes: readonly EvaluationOutcome[]): Promise<void>;
}
