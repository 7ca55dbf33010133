import { isDeepStrictEqual } from 'node:util';
import { readsSpans } from '../decide-sampling.ts';
import { type FinishDeletionDeps, finishDeletion } from '../delete-traces.ts';
import { type EvaluationRequest, isFinished } from '../evaluation.ts';
import { withExplicit } from '../explicit-facts.ts';
import { deriveTraceFacts } from '../facts/derive-trace-facts.ts';
import type { FilterSubject } from '../filter/subject.ts';
import { settleInParallel } from '../in-parallel.ts';
import type { EvaluationQueue, TraceBlock, TraceRecord } from '../ports.ts';
import { readBlockSpans, readBlocks } from '../read-blocks.ts';
import type { Rules } from '../rules.ts';
import type { BlockRef, TraceInfo } from '../trace.ts';
import { type BlockSpan, type NewBlock, newBlock, packSegment } from './block.ts';
import { decideCompleteness, decideSettled, evaluationRequest } from './conclude.ts';
import type { IndexArrivalsDeps } from './index-arrivals.ts';
import { noteSessions } from './note-sessions.ts';

export interface SettleTracesDeps extends IndexArrivalsDeps, Omit<FinishDeletionDeps, 'segments'> {
  readonly evaluationQueue: EvaluationQueue;
}

/** A competing writer changed the trace between our reading and our writing, again and again. */
class SettlingConflictError extends Error {
  override readonly name = 'SettlingConflictError';

  constructor(traceId: string) {
    super(`trace ${traceId} kept changing while it was being settled`);
  }
}

const attempts = 3;
const settlesAtOnce = 8;

/** What has become of a trace that was looked at again. */
interface Settled {
  readonly info: TraceInfo;
  /** Its row in the archive may not be what it was. */
  readonly isGrown: boolean;
  readonly request?: EvaluationRequest;
}

/**
 * Looks at traces again: merges their blocks, derives their facts anew, closes those that have been idle, decides their sampling, and
 * requests the evaluations. Everything follows from the state found, so a repeat goes on where the first run died.
 * Answers, in the order of the ids, what failed.
 */
export async function settleTraces(
  traceIds: readonly string[],
  deps: SettleTracesDeps,
): Promise<readonly PromiseSettledResult<unknown>[]> {
  const results = await settleInParallel(traceIds, {
    limit: settlesAtOnce,
    task: (traceId) => settleTrace(traceId, deps),
  });
  const settled = results.flatMap((result) => (result.status === 'fulfilled' ? (result.value ?? []) : []));
  const grown = settled.filter(({ isGrown }) => isGrown).map(({ info }) => info);
  if (grown.length > 0) await deps.archive.addTraces(grown);
  const requests = settled.flatMap(({ request }) => request ?? []);
  if (requests.length > 0) await deps.evaluationQueue.request(requests);
  return results;
}

/** Undefined where there is no such trace any more. */
async function settleTrace(traceId: string, deps: SettleTracesDeps): Promise<Settled | undefined> {
  const written: BlockRef[] = [];
  for (let attempt = 0; attempt < attempts; attempt++) {
    const record = await readUnmarked(traceId, deps);
    if (record === undefined) {
      // Spans that were merged while the trace was being deleted do not outlive it.
      await deps.segments.erase(written);
      await finishDeletion(traceId, deps);
      return undefined;
    }
    const settled = await settleRecord(record, { deps, written });
    if (settled) return settled;
  }
  throw new SettlingConflictError(traceId);
}

/** The trace with its mark cleared before the blocks were read: what arrives later marks it again. */
async function readUnmarked(traceId: string, { index }: SettleTracesDeps): Promise<TraceRecord | undefined> {
  const record = await index.readTrace(traceId);
  if (!record?.unsettled) return record;
  await index.clearUnsettled(traceId);
  return index.readTrace(traceId);
}

/** Undefined where another writer was first. */
async function settleRecord(
  record: TraceRecord,
  { deps, written }: { deps: SettleTracesDeps; written: BlockRef[] },
): Promise<Settled | undefined> {
  const now = deps.now();
  const rules = await deps.rules.current(record.info.experimentId);
  const merged = await mergeBlocks(record, deps);
  if (merged.written) written.push(merged.written);
  const before = record.info;
  const grown = { ...before, ...merged.changes };
  const { dueAt: _, ...undue } = grown;
  const progressed: TraceInfo = { ...undue, ...decideCompleteness(grown, { rules, now }) };
  const decision = before.decision ?? (await decide(progressed, { record, merged, rules, now, deps }));
  const after: TraceInfo = { ...progressed, ...(decision && { decision }) };
  const isChanged = !isDeepStrictEqual(after, before);
  const info = isChanged ? { ...after, revision: before.revision + 1 } : before;
  // Before the change is written: whoever repeats this after a crash finds it still to do.
  if (isChanged) await noteSessions([info], () => rules, deps);
  if (isChanged && !(await deps.index.replaceInfo(info, before.revision))) return undefined;
  if (merged.replaced.length > 0) await deps.index.markMerged(merged.replaced);
  const request = await evaluationOf(info, { record, rules, deps });
  // A complete trace of one block was archived before its settling was asked for; deciding it does not change its row.
  const isGrown =
    record.hasMerged || merged.replaced.length > 0 || info.explicit !== undefined || info.completeness !== 'complete';
  return { info, isGrown, ...(request && { request }) };
}

interface Merged {
  readonly changes: Pick<TraceInfo, 'facts' | 'blocks' | 'lastArrivalAt'> | Record<string, never>;
  /** Blocks whose spans now lie in another one. */
  readonly replaced: readonly TraceBlock[];
  /** Undefined where the spans did not have to be read. */
  readonly spans?: readonly BlockSpan[];
  readonly written?: BlockRef;
}

/** Rewrites the blocks of a trace as one; a trace of one block stays as it is, as does one without spans. */
async function mergeBlocks({ info, unmerged }: TraceRecord, deps: SettleTracesDeps): Promise<Merged> {
  const own = info.blocks.map((block): TraceBlock => ({ traceId: info.traceId, block, arrivedAt: info.lastArrivalAt }));
  const all = [...own, ...unmerged.filter(({ block }) => !own.some((known) => known.block.hash === block.hash))];
  if (all.length === own.length && own.length <= 1) return { changes: {}, replaced: unmerged };
  const lastArrivalAt = Math.max(info.lastArrivalAt, ...unmerged.map(({ arrivedAt }) => arrivedAt));
  const tracesData = deps.codec.merge(
    await readBlocks(
      all.map(({ block }) => block),
      deps,
    ),
  );
  const block = newBlock(
    { traceId: info.traceId, experimentId: info.experimentId, arrivedAt: lastArrivalAt, tracesData },
    deps.codec,
  );
  const replaced = all.filter((known) => known.block.hash !== block.hash || unmerged.includes(known));
  // The merge was written before and only its bookkeeping was cut short.
  if (info.blocks.length === 1 && info.blocks[0]?.hash === block.hash)
    return { changes: {}, replaced, spans: block.spans };
  const known = all.find((other) => other.block.hash === block.hash)?.block;
  const ref = known ?? (await writeBlock(block, deps));
  return {
    ...(known === undefined && { written: ref }),
    changes: { facts: withExplicit(deriveTraceFacts(block.spans), info), blocks: [ref], lastArrivalAt },
    replaced,
    spans: block.spans,
  };
}

async function writeBlock(block: NewBlock, { segments }: SettleTracesDeps): Promise<BlockRef> {
  const segment = packSegment(block.experimentId, [block]);
  await segments.put(segment.key, segment.bytes);
  const [ref] = segment.refs.values();
  if (ref === undefined) throw new Error('a segment of one block has no block');
  return ref;
}

/** Undefined while the trace is open. */
async function decide(
  info: TraceInfo,
  {
    record,
    merged,
    rules,
    now,
    deps,
  }: { record: TraceRecord; merged: Merged; rules: Rules; now: number; deps: SettleTracesDeps },
) {
  if (info.completeness === 'open') return undefined;
  const spans = rules.scorers.some(readsSpans) ? (merged.spans ?? (await readBlockSpans(info.blocks, deps))) : [];
  return decideSettled(subjectOf(info, { spans, record }), { rules, now });
}

function subjectOf(
  info: TraceInfo,
  { spans, record }: { spans: readonly BlockSpan[]; record: TraceRecord },
): FilterSubject {
  const { traceId, experimentId, facts } = info;
  return { traceId, experimentId, facts, spans: () => spans, assessments: () => record.assessments };
}

/**
 * The evaluation of a decided trace, by the version of the rules that decided it. A trace that was judged already is judged again
 * only where its spans changed since and the experiment wants that.
 */
async function evaluationOf(
  info: TraceInfo,
  { record, rules, deps }: { record: TraceRecord; rules: Rules; deps: SettleTracesDeps },
): Promise<EvaluationRequest | undefined> {
  if (info.decision === undefined || info.decision.selected.length === 0) return undefined;
  const { experimentId } = info;
  const decidedBy = await deps.rules.version(experimentId, info.decision.rulesVersion);
  if (decidedBy === undefined) {
    throw new Error(`rules version ${info.decision.rulesVersion} of experiment ${experimentId} is gone`);
  }
  const request = evaluationRequest(info, decidedBy);
  const finished = new Set(
    record.outcomes
      // What was judged on demand still lacks the weight that its sampling gives it.
      .filter((outcome) => isFinished(outcome) && !outcome.unweighted)
      .map(({ scorerName, scorerVersion }) => `${scorerName}#${scorerVersion}`),
  );
  const isJudged = request?.scorers.every(({ name, version }) => finished.has(`${name}#${version}`));
  return isJudged && !rules.settings.rejudgeLateSpans ? undefined : request;
}
