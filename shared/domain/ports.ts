import type { ApiKey, StoredKey } from './api-key.ts';
import type { Assessment } from './assessment.ts';
import type { EvaluationOutcome, EvaluationRequest, SelectedScorer } from './evaluation.ts';
import type { Experiment } from './experiment.ts';
import type { Rules } from './rules.ts';
import type { DatasetInput, Metric, Run, RunInfo } from './run.ts';
import type { ScorerVersion } from './scorer.ts';
import type {
  SessionDecision,
  SessionEvaluationRequest,
  SessionOutcome,
  SessionRecord,
  SessionRef,
} from './session.ts';
import type { Span } from './span.ts';
import type { SpanFacts } from './span-facts.ts';
import type { BlockRef, TraceInfo } from './trace.ts';

/** Reading the index of traces. */
export interface TraceReader {
  /** The info of each trace that exists, read consistently. */
  getInfos(traceIds: readonly string[]): Promise<ReadonlyMap<string, TraceInfo>>;
  /** All that the index holds of a trace, read consistently; undefined where there is no such trace. */
  readTrace(traceId: string): Promise<TraceRecord | undefined>;
}

/** The index of traces: one `info` a trace, its blocks, evaluations and assessments beside it. */
export interface TraceIndex extends TraceReader {
  /**
   * Founds traces that are not there yet. Answers, in the order given, whether each was founded or was there before;
   * one that was there is left as it is.
   */
  foundTraces(infos: readonly TraceInfo[]): Promise<readonly ('founded' | 'exists')[]>;
  /** Of these further blocks, those that are there already, by hash. */
  knownBlocks(blocks: readonly TraceBlock[]): Promise<ReadonlyMap<string, 'merged' | 'unmerged'>>;
  /** Adds further blocks; adding one twice changes nothing. Those of another experiment are kept apart. */
  addBlocks(blocks: readonly TraceBlock[], owner?: { foreignExperimentId: string }): Promise<void>;
  /** Remembers blocks as merged: their bytes stay findable for deletion, their redelivery is recognised. */
  markMerged(blocks: readonly TraceBlock[]): Promise<void>;
  /**
   * Marks a trace as having unmerged blocks, to be settled at `dueAt`.
   * Answers false where a settling is already due after `now`, so that one message serves many arrivals.
   */
  markUnsettled(traceId: string, mark: { now: number; dueAt: number }): Promise<boolean>;
  /** Clears the mark, before the blocks are read: what arrives afterwards marks the trace again. */
  clearUnsettled(traceId: string): Promise<void>;
  /** Writes the info if its revision is still `expectedRevision` and it is not marked; answers false otherwise. */
  replaceInfo(info: TraceInfo, expectedRevision: number): Promise<boolean>;
}

/** When a trace that was changed is to be looked at again, epoch ms. */
export interface SettleMark {
  readonly now: number;
  readonly dueAt: number;
}

/** Writing what is said of traces beside their spans. Each write marks the trace for settling. */
export interface TraceEditor {
  /** Founds a trace of which no span has arrived; answers false where the id is taken, also by a trace that was deleted. */
  found(info: TraceInfo, mark: SettleMark): Promise<boolean>;
  /**
   * Writes the info if its revision is still the expected one, also while the trace is marked. `marked`: a message must follow;
   * `amended`: one is on its way already.
   */
  amend(
    info: TraceInfo,
    options: { expectedRevision: number; mark: SettleMark },
  ): Promise<'marked' | 'amended' | 'conflict'>;
  /** Notes that a trace has an attachment, so that it goes when the trace is deleted. */
  noteAttachment(attachment: Attachment, now: number): Promise<void>;
}

/** Finding traces in the order of time. */
export interface TraceSearch {
  /** Traces of the experiments, newest first unless `ascending`, from behind `before`, at most `limit`. */
  find(query: TimeQuery): Promise<readonly FoundTrace[]>;
}

export interface TimeQuery {
  readonly experimentIds: readonly string[];
  /** Request times, epoch ms, inclusive. */
  readonly from: number;
  readonly to: number;
  /** The position of the last trace that was seen. */
  readonly before?: string | undefined;
  readonly limit: number;
  /** Oldest first. */
  readonly ascending?: boolean;
  /** Only those of one session, or of one request of the client's. */
  readonly within?: { readonly kind: 'session' | 'client-request'; readonly id: string };
}

export interface FoundTrace {
  readonly traceId: string;
  /** Where the trace stands in the order of time; traces that arrive later do not move it. */
  readonly position: string;
}

/** Unfinished work that has become due. */
export interface DueWork {
  /** Ids of unfinished traces of one shard that are due, most overdue first. */
  listTraces(shard: number, options: { now: number; limit: number }): Promise<readonly string[]>;
  /** Held evaluations of one shard that are due. */
  listEvaluations(shard: number, options: { now: number; limit: number }): Promise<readonly EvaluationOutcome[]>;
}

export interface TraceBlock {
  readonly traceId: string;
  readonly block: BlockRef;
  /** Epoch ms. */
  readonly arrivedAt: number;
}

export interface TraceRecord {
  readonly info: TraceInfo;
  /** Further blocks that have not been merged into the info's. */
  readonly unmerged: readonly TraceBlock[];
  /** Whether blocks were ever merged into the info's. */
  readonly hasMerged: boolean;
  /** Whether the trace is marked for settling. */
  readonly unsettled: boolean;
  readonly foreignBlocks: readonly TraceBlock[];
  readonly outcomes: readonly EvaluationOutcome[];
  readonly assessments: readonly Assessment[];
}

/** Taking traces out of the index. A deleted trace leaves a tombstone, which late spans and redelivered ones do not revive. */
export interface TraceRemover {
  /**
   * Turns a trace into a tombstone: from now on nothing finds it or adds to it. What is left of it is due at `dueAt`, for the case that
   * whoever deletes it dies. Answers false where there is no such trace (any more).
   */
  bury(traceId: string, options: { now: number; dueAt: number }): Promise<boolean>;
  /** What a deletion still has to remove; undefined where it is finished, or the trace is not deleted. */
  remains(traceId: string): Promise<TraceRemains | undefined>;
  /** Removes the items beside the tombstone. */
  clear(traceId: string): Promise<void>;
  /** Of these ids, those of deleted traces. */
  deletedAmong(traceIds: readonly string[]): Promise<ReadonlySet<string>>;
}

interface TraceRemains {
  readonly experimentId: string;
  readonly blocks: readonly BlockRef[];
  /** Names of attachments. */
  readonly attachments: readonly string[];
}

/** Segments: the spans of many traces in one object, found by key, offset and length. */
export interface SegmentStore {
  /** Writes a segment, unless there is one of that key: it has the same bytes, but for what has been erased of them. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  readBlock(block: BlockRef): Promise<Uint8Array>;
  /** Overwrites blocks with zeros; the others stay where they are. */
  erase(blocks: readonly BlockRef[]): Promise<void>;
}

/** Media that clients cut out of spans, as files of a trace. */
export interface AttachmentStore {
  put(attachment: Attachment, bytes: Uint8Array): Promise<void>;
  /** A URL that opens it for a while. */
  urlOf(attachment: Attachment): Promise<string>;
  remove(attachment: Attachment): Promise<void>;
}

export interface Attachment {
  readonly experimentId: string;
  readonly traceId: string;
  readonly name: string;
}

/** Bodies too large for a message. */
export interface Inbox {
  put(key: string, body: Uint8Array): Promise<void>;
  get(key: string): Promise<Uint8Array>;
}

/** Answers too large to be given directly. */
export interface AnswerStore {
  /** Stores a JSON text and answers a URL that opens it for a while. */
  put(body: string): Promise<string>;
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
  /**
   * Stores the next version of the name; concurrent registrations get different versions. A request that is repeated because it died
   * before the rules followed is given the version that it made.
   */
  register(scorer: Omit<ScorerVersion, 'version' | 'scorerId'>): Promise<ScorerVersion>;
  /** Remembers that the rules follow this version; nothing where it is not the latest any more. */
  markFollowed(scorer: Pick<ScorerVersion, 'experimentId' | 'name' | 'version'>): Promise<void>;
  /** The latest version where none is named. */
  get(experimentId: string, name: string, version?: number): Promise<ScorerVersion | undefined>;
  /** A version that was ever registered: what decides or was decided by it stays readable after its deletion. */
  definition(experimentId: string, name: string, version: number): Promise<ScorerVersion | undefined>;
  /** The latest version of every name, by name. */
  list(experimentId: string): Promise<readonly ScorerVersion[]>;
  /** Oldest first. */
  versions(experimentId: string, name: string): Promise<readonly ScorerVersion[]>;
  /** Which scorers these ids are of; ids that are unknown are left out. */
  find(scorerIds: readonly string[]): Promise<readonly Pick<ScorerVersion, 'scorerId' | 'experimentId' | 'name'>[]>;
  /** Deletes one version, or all; answers whether there was any to delete. */
  remove(experimentId: string, name: string, version?: number): Promise<boolean>;
}

export interface ExperimentStore {
  get(experimentId: string): Promise<Experiment | undefined>;
  /** Those of them that exist, by id. */
  getMany(experimentIds: readonly string[]): Promise<readonly Experiment[]>;
  getByName(name: string): Promise<Experiment | undefined>;
  list(): Promise<readonly Experiment[]>;
  /** Takes the next id; undefined where the name is taken. The table that it wants is still to be assigned. */
  create(
    experiment: Omit<Experiment, 'experimentId'>,
    options?: { wantedTable?: string | undefined },
  ): Promise<Experiment | undefined>;
  /** Gives an active experiment another name and frees its old one. Can be repeated. */
  rename(experimentId: string, change: { name: string; at: number }): Promise<'renamed' | 'taken' | 'not-active'>;
  /** Changes nothing where the experiment is in that stage already. */
  setLifecycle(experimentId: string, change: { stage: Experiment['lifecycleStage']; at: number }): Promise<void>;
  /** Sets a tag of an active experiment; undefined: removes it. False where the experiment is not active. */
  setTag(experimentId: string, key: string, value: string | undefined): Promise<boolean>;
}

/** Which experiment answers to a table of Databricks' exporters. Tables are in lower case. */
export interface OtelTableStore {
  /** The experiment, active or not. */
  find(table: string): Promise<string | undefined>;
  /** Tables of active experiments with their experiments. */
  list(): Promise<readonly { readonly table: string; readonly experimentId: string }[]>;
  /** Has the experiment answer to the table, as its tag then says, and to no other; undefined: to none. Can be repeated. */
  assign(experimentId: string, table: string | undefined): Promise<TableAssignment>;
  /** Ends what creating the experiment, or an earlier `assign`, began. */
  assignWanted(experimentId: string): Promise<TableAssignment>;
}

/** The experiment is not active, or the table belongs to another. */
export type TableAssignment = 'assigned' | 'not-active' | { readonly table: string; readonly owner: string };

export interface RunStore {
  /** False where the id is taken. */
  create(run: RunInfo, tags: Readonly<Record<string, string>>): Promise<boolean>;
  /** One read: whether there is such a run, and where. */
  getInfo(runId: string): Promise<RunInfo | undefined>;
  get(runId: string): Promise<Run | undefined>;
  /** Runs of an experiment, newest first, from below an id bound. */
  newest(experimentId: string, below?: string): AsyncIterable<Run>;
  /** Undefined where the run is deleted or was never made. */
  update(runId: string, change: Partial<Pick<RunInfo, 'name' | 'status' | 'endTime'>>): Promise<RunInfo | undefined>;
  setLifecycle(runId: string, stage: RunInfo['lifecycleStage']): Promise<void>;
  putTags(runId: string, tags: Readonly<Record<string, string>>): Promise<void>;
  /** False where there was none. */
  removeTag(runId: string, key: string): Promise<boolean>;
  /** Those that have another value already stay; they are answered, with the values that they have. */
  putParams(
    runId: string,
    params: Readonly<Record<string, string>>,
  ): Promise<readonly { readonly key: string; readonly value: string }[]>;
  /** Adds to the history, in which each point stands once, and keeps the latest of each key (by step, then time, then value). */
  addMetrics(runId: string, metrics: readonly Metric[]): Promise<void>;
  /** By time, from behind a position. */
  history(
    runId: string,
    options: { key: string; limit: number; after?: string | undefined },
  ): Promise<{ readonly metrics: readonly Metric[]; readonly next?: string }>;
  /** One that is there already, by name and digest, stays as it is. */
  addInputs(runId: string, inputs: readonly DatasetInput[]): Promise<void>;
}

export interface KeyStore {
  /** By the lower-case hex sha256 of the key. */
  get(keyHash: string): Promise<ApiKey | undefined>;
  put(keyHash: string, key: ApiKey): Promise<void>;
  /** Every key that works, oldest first. */
  list(): Promise<readonly StoredKey[]>;
  /** Ends a key; one that is not there stays so. */
  remove(keyHash: string): Promise<void>;
}

/** Requests of keys that have a limit, counted over all instances. */
export interface RequestCounts {
  /** Adds to the requests of a key in a second (of the epoch); answers how many there were before. */
  add(added: { keyHash: string; second: number; requests: number }): Promise<number>;
}

export interface AssessmentStore {
  /** Writes or overwrites by id. Answers those that were written: of a trace that is not there (any more) nothing is kept. */
  put(assessments: readonly Assessment[]): Promise<readonly Assessment[]>;
  /** Those of one trace, by id. */
  list(traceId: string): Promise<readonly Assessment[]>;
  /** Those of the traces of a page, by trace id. */
  listAll(
    infos: readonly Pick<TraceInfo, 'traceId' | 'assessmentIds'>[],
  ): Promise<ReadonlyMap<string, readonly Assessment[]>>;
  /** Removing one that is not there changes nothing. */
  remove(traceId: string, assessmentId: string): Promise<void>;
}

export interface EvaluationStore {
  put(outcomes: readonly EvaluationOutcome[]): Promise<void>;
  /**
   * Writes that an evaluation is running: where there is none, where it is held, was finished for an earlier revision, or where the lease
   * of whoever ran it has ended. Else answers false.
   */
  lease(running: EvaluationOutcome, now: number): Promise<boolean>;
  /** Writes an outcome in the place of the one that was read; answers false where that one does not stand there any more. */
  replace(before: EvaluationOutcome, after: EvaluationOutcome): Promise<boolean>;
  /** Takes away what is held of a trace that is gone. */
  remove(traceId: string, scorers: readonly SelectedScorer[]): Promise<void>;
  /** Has a held evaluation be due at another time; answers false where it is not held any more. */
  putOff(held: EvaluationOutcome, dueAt: number): Promise<boolean>;
}

/** Messages of index-traces to itself: look at these traces again. */
export interface SettleQueue {
  settle(traceIds: readonly string[], options: { delaySeconds: number }): Promise<void>;
}

export interface EvaluationQueue {
  request(requests: readonly EvaluationRequest[]): Promise<void>;
}

export interface SessionEvaluationQueue {
  requestSessions(requests: readonly SessionEvaluationRequest[]): Promise<void>;
}

/** Noting that sessions are active. */
export interface SessionActivity {
  /** Has the session be looked at when it will have been quiet for a while; an earlier activity than the one known changes nothing. */
  note(session: SessionRef & { readonly lastActivityAt: number; readonly dueAt: number }): Promise<void>;
}

/** Sessions that have been quiet for their idle time. */
export interface DueSessions {
  /** Keys of sessions of one shard that are due, most overdue first. */
  listDue(shard: number, options: { now: number; limit: number }): Promise<readonly string[]>;
  /** Moves the time at which a due session is looked at next; answers what to request now, undefined where it is not due (any more). */
  postpone(key: string, options: { now: number; dueAt: number }): Promise<SessionEvaluationRequest | undefined>;
}

export interface SessionStore {
  /** Read consistently; undefined where no scorer could ever select it. */
  read(session: SessionRef): Promise<SessionRecord | undefined>;
  /**
   * Writes the decision and leases the session to whoever is to judge it. Answers false where it has been active since, or another holds
   * the lease.
   */
  claim(
    request: SessionEvaluationRequest,
    options: { decision: SessionDecision; now: number; leasedUntil: number },
  ): Promise<boolean>;
  /** Writes or overwrites, by scorer and version. */
  putOutcomes(session: SessionRef, outcomes: readonly SessionOutcome[]): Promise<void>;
  /**
   * Ends the lease. The session is looked at again at `dueAt`, or not before it resumes; where it has resumed already, it stays due as
   * it is.
   */
  release(request: SessionEvaluationRequest, options: { dueAt?: number }): Promise<void>;
}

/** Saying in the archive that traces were deleted: it is only added to, and what it holds can come back. */
export interface DeletionArchive {
  addDeleted(traces: readonly Pick<TraceInfo, 'traceId' | 'experimentId'>[]): Promise<void>;
}

/** The Parquet archive: rows may be sent twice, the views show each once. */
export interface TraceArchive {
  addTraces(infos: readonly TraceInfo[]): Promise<void>;
  addSpans(spans: readonly ArchivedSpan[]): Promise<void>;
}

export interface AssessmentArchive {
  addAssessments(assessments: readonly Assessment[]): Promise<void>;
}

export interface ArchivedSpan {
  readonly span: Span;
  readonly facts: SpanFacts;
  /** On the wire. */
  readonly sizeBytes: number;
  readonly experimentId: string;
  readonly isForeign: boolean;
}

/** Reads and writes the bytes of traces; knows the wire format. */
export interface TraceCodec {
  decode(tracesData: Uint8Array): readonly DecodedSpan[];
  /** The union of the spans of several blocks; the order of the blocks does not matter. */
  merge(blocks: readonly Uint8Array[]): Uint8Array;
  compress(tracesData: Uint8Array): Uint8Array;
  decompress(block: Uint8Array): Uint8Array;
}

export interface DecodedSpan {
  readonly span: Span;
  /** On the wire. */
  readonly sizeBytes: number;
}

/** Lambda functions, invoked for their answer. */
export interface FunctionInvoker {
  /** @throws SandboxUnavailableError when the function was not run for reasons that are not its own: throttled, unreachable */
  invoke(functionName: string, payload: string): Promise<Invoked>;
}

/** The answer, JSON text; or how the function failed. */
export type Invoked = { readonly payload: string } | { readonly failure: InvocationFailure };

export interface InvocationFailure {
  readonly kind: 'threw' | 'timeout' | 'memory' | 'missing' | 'payload-too-large' | 'answer-too-large';
  /** Of the error that it threw. */
  readonly type?: string;
  readonly message: string;
  readonly stack?: string;
}

/** Epoch ms. */
export type Clock = () => number;
