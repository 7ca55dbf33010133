import type { Assessment } from '../assessment.ts';
import { chunk } from '../chunk.ts';
import { type EvaluationOutcome, endedBy } from '../evaluation.ts';
import { statedBeyond, withExplicit } from '../explicit-facts.ts';
import { deriveTraceFacts } from '../facts/derive-trace-facts.ts';
import { settleInParallel, valuesOf } from '../in-parallel.ts';
import { type NewBlock, newBlock, packSegment } from '../indexing/block.ts';
import type { Clock, SegmentStore, TraceCodec, TraceReader, TraceRemover } from '../ports.ts';
import type { Span } from '../span.ts';
import { type ExplicitField, maxKnownAssessments, type TraceFacts, type TraceInfo } from '../trace.ts';

/** A trace as the archive knows it. */
export interface ArchivedTrace {
  readonly traceId: string;
  readonly experimentId: string;
  readonly revision: number;
  readonly isComplete: boolean;
  readonly facts: ArchivedFacts;
  readonly spans: readonly Span[];
  /** Those that were deleted, too, which are not valid. */
  readonly assessments: readonly Assessment[];
}

/** What can have been said of a trace beside its spans; the rest follows from them. */
export type ArchivedFacts = Pick<TraceFacts, 'requestTime' | 'durationMs' | 'state' | 'tags' | 'metadata'> &
  Partial<Pick<TraceFacts, ExplicitField>>;

/** A trace that is to stand in the index again, for a while. */
export interface RestoredTrace {
  readonly info: TraceInfo;
  readonly assessments: readonly Assessment[];
  readonly outcomes: readonly EvaluationOutcome[];
}

/** Puts traces back into the index. */
export interface RestoredTraces {
  /** Writes what is not there yet, or has expired, and leaves alone what is: the trace itself last, so that of a trace that is there everything is. */
  add(traces: readonly RestoredTrace[]): Promise<void>;
}

export interface RestoreTracesDeps {
  readonly index: Pick<TraceReader, 'getInfos'>;
  readonly remover: Pick<TraceRemover, 'deletedAmong'>;
  readonly segments: Pick<SegmentStore, 'put'>;
  readonly codec: TraceCodec;
  /** Spans as OTLP TracesData. */
  readonly encode: (spans: readonly Span[]) => Uint8Array;
  readonly restored: RestoredTraces;
  /** Of the trace store. */
  readonly retentionDays: number;
  readonly now: Clock;
}

const dayMs = 86_400_000;
/** A segment each. */
const batchSize = 100;
const batchesAtOnce = 4;
/** A request of OTLP has a limit. */
const spansEncodedAtOnce = 10_000;

/**
 * Puts traces of the archive back into the trace store, where everybody finds them until they expire again. One that is there, or was
 * deleted, is left alone. What is restored is not archived again, and live scoring does not look at it. Answers how many were restored.
 */
export async function restoreTraces(traces: readonly ArchivedTrace[], deps: RestoreTracesDeps): Promise<number> {
  const task = (batch: readonly ArchivedTrace[]) => restoreBatch(batch, deps);
  const counts = valuesOf(await settleInParallel(chunk(traces, batchSize), { limit: batchesAtOnce, task }));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function restoreBatch(batch: readonly ArchivedTrace[], deps: RestoreTracesDeps): Promise<number> {
  const ids = batch.map(({ traceId }) => traceId);
  const [there, deleted] = await Promise.all([deps.index.getInfos(ids), deps.remover.deletedAmong(ids)]);
  const now = deps.now();
  const isThere = (info: TraceInfo | undefined) => info && info.lastArrivalAt + deps.retentionDays * dayMs > now;
  // Items outlive their time by hours, or days; the spans do not.
  const gone = batch.filter(({ traceId }) => !isThere(there.get(traceId)) && !deleted.has(traceId));
  // Of one experiment, which is the backfill's: a segment holds no other.
  for (const group of Map.groupBy(gone, ({ experimentId }) => experimentId).values()) await restoreGroup(group, deps);
  return gone.length;
}

async function restoreGroup(group: readonly ArchivedTrace[], deps: RestoreTracesDeps): Promise<void> {
  const now = deps.now();
  const rebuilt = group.map((trace) => ({ trace, block: rebuiltBlock(trace, { deps, now }) }));
  const blocks = rebuilt.flatMap(({ block }) => block ?? []);
  const segment = packSegment(group[0]?.experimentId ?? '', blocks, 'restored');
  if (blocks.length > 0) await deps.segments.put(segment.key, segment.bytes);
  await deps.restored.add(
    rebuilt.map(({ trace, block }) => {
      const ref = block && segment.refs.get(block.hash);
      return restoredTrace(trace, { spans: block?.spans ?? [], blocks: ref ? [ref] : [], now });
    }),
  );
}

/** A trace of which only its client told has none. */
function rebuiltBlock(
  { traceId, experimentId, spans }: ArchivedTrace,
  { deps: { codec, encode }, now }: { deps: RestoreTracesDeps; now: number },
): NewBlock | undefined {
  if (spans.length === 0) return undefined;
  const tracesData = codec.merge(chunk(spans, spansEncodedAtOnce).map(encode));
  return newBlock({ traceId, experimentId, tracesData, arrivedAt: now }, codec);
}

function restoredTrace(
  { traceId, experimentId, revision, isComplete, facts, assessments: archived }: ArchivedTrace,
  { spans, blocks, now }: { spans: NewBlock['spans']; blocks: TraceInfo['blocks']; now: number },
): RestoredTrace {
  const derived = deriveTraceFacts(spans);
  const said = { ...derived, ...facts };
  const explicit = statedBeyond(derived, said);
  const assessments = standing(archived);
  return {
    info: {
      traceId,
      experimentId,
      facts: withExplicit(derived, { facts: said, ...(explicit && { explicit }) }),
      ...(explicit && { explicit }),
      blocks,
      revision,
      // What was open then has been idle since.
      completeness: isComplete ? 'complete' : 'incomplete',
      lastArrivalAt: now,
      // Which rules decided it, the archive does not know; live scoring has had its turn.
      decision: { rulesVersion: 0, decidedAt: now, selected: [] },
      assessmentIds: assessments.map(({ assessmentId }) => assessmentId).slice(0, maxKnownAssessments),
    },
    assessments,
    outcomes: outcomesOf(archived, { revision }),
  };
}

/** In the archive one that was deleted is not valid, and neither is one that another overrides; that one stays. */
function standing(assessments: readonly Assessment[]): readonly Assessment[] {
  const overridden = new Set(assessments.flatMap(({ valid, overrides }) => (valid && overrides ? [overrides] : [])));
  return assessments.filter(({ valid, assessmentId }) => valid || overridden.has(assessmentId));
}

/** What became of the scorers that left an assessment, also where somebody deleted it. */
function outcomesOf(assessments: readonly Assessment[], { revision }: { revision: number }): EvaluationOutcome[] {
  const judged = assessments.flatMap((assessment) =>
    assessment.scorer ? [{ ...assessment, scorer: assessment.scorer }] : [],
  );
  const groups = Map.groupBy(judged, ({ scorer }) => `${scorer.version}#${scorer.name}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const backfillId = first.metadata['assay.backfillId'];
    return {
      traceId: first.traceId,
      scorerName: first.scorer.name,
      scorerVersion: first.scorer.version,
      revision,
      finishedAt: Math.max(...group.map(({ createdAt }) => createdAt)),
      ...endedBy(group),
      ...(backfillId !== undefined && { backfillId }),
      // On demand alone.
      ...(group.every(({ scorer }) => scorer.sampleRate === undefined) && { unweighted: true as const }),
    };
  });
}
