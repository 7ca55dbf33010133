import { deriveTraceFacts } from '../facts/derive-trace-facts.ts';
import type {
  ArchivedSpan,
  RuleStore,
  SegmentStore,
  SettleQueue,
  TraceArchive,
  TraceBlock,
  TraceCodec,
  TraceIndex,
  TraceRemover,
} from '../ports.ts';
import type { Rules } from '../rules.ts';
import type { BlockRef, TraceInfo } from '../trace.ts';
import { type NewBlock, packSegment, type Segment } from './block.ts';
import { decideAtArrival, decideCompleteness } from './conclude.ts';
import { type NoteSessionsDeps, noteSessions } from './note-sessions.ts';

export interface IndexArrivalsDeps extends NoteSessionsDeps {
  readonly index: TraceIndex;
  readonly remover: TraceRemover;
  readonly segments: SegmentStore;
  readonly rules: RuleStore;
  readonly archive: TraceArchive;
  readonly settleQueue: SettleQueue;
  readonly codec: TraceCodec;
}

/** Where one arrived block stands after the index has been written. */
type Placed = NewBlock & {
  readonly ref: BlockRef;
  readonly place: 'founded' | 'known' | 'further' | 'foreign' | 'deleted';
};

/**
 * Stores, indexes and archives the blocks of some arrivals. May be run again with the same blocks after dying anywhere:
 * segments are named by their content, a trace is founded once, and what is to happen next follows from the state found.
 */
export async function indexArrivals(blocks: readonly NewBlock[], deps: IndexArrivalsDeps): Promise<void> {
  const distinct = [
    ...new Map(blocks.map((block) => [`${block.experimentId}/${block.traceId}/${block.hash}`, block])).values(),
  ];
  const refs = await writeSegments(distinct, deps.segments);
  const rules = await currentRules(distinct, deps.rules);
  const { placed, infos } = await place(distinct, { refs, rules, deps });
  await Promise.all([
    deps.archive.addSpans(archivedSpans(placed)),
    deps.archive.addTraces(presentInfos(placed, infos)),
    eraseDeleted(placed, deps),
    // The others are noted when they are settled.
    noteSessions(
      presentInfos(placed, infos).filter((info) => !awaitsSettling(info)),
      (experimentId) => rulesOf(experimentId, rules),
      deps,
    ),
  ]);
  await requestSettling(placed, { infos, rules, deps });
}

async function writeSegments(
  blocks: readonly NewBlock[],
  segments: SegmentStore,
): Promise<ReadonlyMap<NewBlock, BlockRef>> {
  const byExperiment = Map.groupBy(blocks, (block) => block.experimentId);
  const written = [...byExperiment].map(([experimentId, group]) => ({
    group,
    segment: packSegment(experimentId, group),
  }));
  await Promise.all(written.map(({ segment }) => segments.put(segment.key, segment.bytes)));
  return new Map(
    written.flatMap(({ group, segment }) => group.map((block) => [block, refIn(segment, block.hash)] as const)),
  );
}

function refIn(segment: Segment, hash: string): BlockRef {
  const ref = segment.refs.get(hash);
  if (ref === undefined) throw new Error(`block ${hash} is not in segment ${segment.key}`);
  return ref;
}

async function currentRules(blocks: readonly NewBlock[], store: RuleStore): Promise<ReadonlyMap<string, Rules>> {
  const experimentIds = [...new Set(blocks.map((block) => block.experimentId))];
  return new Map(await Promise.all(experimentIds.map(async (id) => [id, await store.current(id)] as const)));
}

interface Context {
  readonly refs: ReadonlyMap<NewBlock, BlockRef>;
  readonly rules: ReadonlyMap<string, Rules>;
  readonly deps: IndexArrivalsDeps;
}

/** Founds the traces that are new and adds the other blocks to those that are there. */
async function place(blocks: readonly NewBlock[], context: Context) {
  const founders = [...new Map(blocks.toReversed().map((block) => [block.traceId, block])).values()].toReversed();
  const founded = founders.map((block) => foundInfo(block, context));
  const results = await context.deps.index.foundTraces(founded);
  const infos = new Map<string, TraceInfo>();
  founded.forEach((info, i) => {
    if (results[i] === 'founded') infos.set(info.traceId, info);
  });
  const newFounders = new Set(founders.filter((_, i) => results[i] === 'founded'));
  const others = blocks.filter((block) => !newFounders.has(block));
  const absent = new Set(others.map((block) => block.traceId).filter((id) => !infos.has(id)));
  for (const [traceId, info] of await context.deps.index.getInfos([...absent])) infos.set(traceId, info);
  const deleted = await context.deps.remover.deletedAmong([...absent].filter((id) => !infos.has(id)));
  const at =
    (place: Placed['place']) =>
    (block: NewBlock): Placed => ({ ...block, ref: refOf(block, context), place });
  const further = others.filter((block) => !deleted.has(block.traceId));
  const placed = [
    ...[...newFounders].map(at('founded')),
    ...others.filter((block) => deleted.has(block.traceId)).map(at('deleted')),
    ...(await placeFurther(further, infos, context)),
  ];
  return { placed, infos };
}

/** Spans of a deleted trace that came late, or again, were written with their neighbours: they do not stay. */
async function eraseDeleted(placed: readonly Placed[], { segments }: IndexArrivalsDeps): Promise<void> {
  const refs = placed.filter(isAt('deleted')).map(({ ref }) => ref);
  if (refs.length > 0) await segments.erase(refs);
}

function refOf(block: NewBlock, { refs }: Context): BlockRef {
  const ref = refs.get(block);
  if (ref === undefined) throw new Error(`block ${block.hash} was written to no segment`);
  return ref;
}

function rulesOf(experimentId: string, rules: ReadonlyMap<string, Rules>): Rules {
  const found = rules.get(experimentId);
  if (found === undefined) throw new Error(`no rules were read for experiment ${experimentId}`);
  return found;
}

/** The info that a block gives a trace of which nothing is known yet. */
function foundInfo(block: NewBlock, context: Context): TraceInfo {
  const { traceId, experimentId, arrivedAt } = block;
  const facts = deriveTraceFacts(block.spans);
  const timed = { rules: rulesOf(experimentId, context.rules), now: context.deps.now() };
  const progress = decideCompleteness({ facts, lastArrivalAt: arrivedAt }, timed);
  const decision = decideAtArrival({ traceId, ...progress }, timed);
  return {
    traceId,
    experimentId,
    facts,
    blocks: [refOf(block, context)],
    revision: 1,
    lastArrivalAt: arrivedAt,
    ...progress,
    ...(decision && { decision }),
  };
}

/** Sorts blocks of traces that exist into those that are there already, further ones, and those of another experiment's key. */
async function placeFurther(
  blocks: readonly NewBlock[],
  infos: ReadonlyMap<string, TraceInfo>,
  context: Context,
): Promise<Placed[]> {
  if (blocks.length === 0) return [];
  const { index } = context.deps;
  const withRefs = blocks.map((block) => ({
    ...block,
    ref: refOf(block, context),
    info: existing(block.traceId, infos),
  }));
  const known = await index.knownBlocks(withRefs.map(toTraceBlock));
  const placed = withRefs.map(({ info, ...block }): Placed => {
    if (info.experimentId !== block.experimentId) return { ...block, place: 'foreign' };
    const isMerged = info.blocks.some(({ hash }) => hash === block.hash) || known.get(block.hash) === 'merged';
    return { ...block, place: isMerged ? 'known' : 'further' };
  });
  const foreign = Map.groupBy(placed.filter(isAt('foreign')), (block) => block.experimentId);
  await Promise.all([
    index.addBlocks(placed.filter((block) => block.place === 'further' && !known.has(block.hash)).map(toTraceBlock)),
    ...[...foreign].map(([foreignExperimentId, group]) =>
      index.addBlocks(group.map(toTraceBlock), { foreignExperimentId }),
    ),
  ]);
  return placed;
}

function existing(traceId: string, infos: ReadonlyMap<string, TraceInfo>): TraceInfo {
  const info = infos.get(traceId);
  if (info === undefined) throw new Error(`trace ${traceId} vanished while spans were added to it`);
  return info;
}

function isAt(place: Placed['place']): (block: Placed) => boolean {
  return (block) => block.place === place;
}

function toTraceBlock({ traceId, ref, arrivedAt }: { traceId: string; ref: BlockRef; arrivedAt: number }): TraceBlock {
  return { traceId, block: ref, arrivedAt };
}

function archivedSpans(placed: readonly Placed[]): readonly ArchivedSpan[] {
  const kept = placed.filter(({ place }) => place !== 'deleted');
  return kept.flatMap(({ spans, experimentId, place }) =>
    spans.map((span) => ({ ...span, experimentId, isForeign: place === 'foreign' })),
  );
}

/** A founded trace's row; also that of a redelivered one, whose first delivery may have died before the archive call. */
function presentInfos(placed: readonly Placed[], infos: ReadonlyMap<string, TraceInfo>): readonly TraceInfo[] {
  const traceIds = new Set(
    placed.filter(({ place }) => place === 'founded' || place === 'known').map((block) => block.traceId),
  );
  return [...traceIds].flatMap((traceId) => infos.get(traceId) ?? []);
}

/** Has every trace looked at again that has blocks to merge or a decision to wait for. */
async function requestSettling(
  placed: readonly Placed[],
  {
    infos,
    rules,
    deps,
  }: { infos: ReadonlyMap<string, TraceInfo>; rules: ReadonlyMap<string, Rules>; deps: IndexArrivalsDeps },
): Promise<void> {
  const undecided = placed
    .filter(({ place, traceId }) => (place === 'founded' || place === 'known') && awaitsSettling(infos.get(traceId)))
    .map((block) => block.traceId);
  const further = [...new Set(placed.filter(isAt('further')).map((block) => block.traceId))];
  const marked = await Promise.all(further.map((traceId) => mark(traceId, { infos, rules, deps })));
  const byDelay = Map.groupBy([...new Set([...undecided, ...marked.flatMap((traceId) => traceId ?? [])])], (traceId) =>
    delayOf(infos.get(traceId), rules),
  );
  await Promise.all(
    [...byDelay].map(([delaySeconds, traceIds]) => deps.settleQueue.settle(traceIds, { delaySeconds })),
  );
}

/** A complete trace that no rule can be said to pass over; or one that is decided, whose evaluation may not have been sent. */
function awaitsSettling(info: TraceInfo | undefined): boolean {
  if (info === undefined || info.completeness === 'open') return false;
  return info.decision === undefined || info.decision.selected.length > 0;
}

async function mark(
  traceId: string,
  {
    infos,
    rules,
    deps,
  }: { infos: ReadonlyMap<string, TraceInfo>; rules: ReadonlyMap<string, Rules>; deps: IndexArrivalsDeps },
): Promise<string | undefined> {
  const now = deps.now();
  const dueAt = now + delayOf(infos.get(traceId), rules) * 1000;
  return (await deps.index.markUnsettled(traceId, { now, dueAt })) ? traceId : undefined;
}

function delayOf(info: TraceInfo | undefined, rules: ReadonlyMap<string, Rules>): number {
  return info === undefined ? 0 : rulesOf(info.experimentId, rules).settings.settleDelaySeconds;
}
