import { ApiError } from '../api-error.ts';
import type { Assessment } from '../assessment.ts';
import type { Filter } from '../filter/filter.ts';
import { matchFilter } from '../filter/match-filter.ts';
import { needsAssessments, needsSpans } from '../filter/needs.ts';
import { parseFilter } from '../filter/parse-filter.ts';
import { settleInParallel, valuesOf } from '../in-parallel.ts';
import type { AssessmentStore, FoundTrace, SegmentStore, TraceCodec, TraceReader, TraceSearch } from '../ports.ts';
import type { ScorableSpan } from '../scorable-trace.ts';
import { spansOf } from '../spans-of.ts';
import type { TraceInfo } from '../trace.ts';
import { fromCursor, toCursor } from './cursor.ts';
import { byTime, parseOrder, sortTraces, type TraceOrder } from './order.ts';
import { planSearch, type SearchPlan } from './plan.ts';

export interface SearchDeps {
  readonly index: TraceReader;
  readonly search: TraceSearch;
  readonly segments: Pick<SegmentStore, 'readBlock'>;
  readonly codec: Pick<TraceCodec, 'decode' | 'merge' | 'decompress'>;
  readonly assessments: Pick<AssessmentStore, 'listAll'>;
}

export interface SearchQuery {
  readonly experimentIds: readonly string[];
  readonly filter?: string | undefined;
  /** MLflow's `order_by`; newest first where it is empty. */
  readonly orderBy?: readonly string[];
  /** Traces on a page. */
  readonly limit: number;
  /** Of the page before. */
  readonly cursor?: string | undefined;
}

export interface SearchPage {
  readonly infos: readonly TraceInfo[];
  /** Absent on the last page. A page may hold fewer than `limit` and be followed by others. */
  readonly cursor?: string;
  /** Request time of the last trace that was looked at, epoch ms: how far the search has got. Absent where it is at its end. */
  readonly reached?: number;
}

/** Traces that one page looks at, at most: a filter that matches little ends the page, not the function's time. */
const maxScanned = 2_000;
/** Traces that are sorted by anything but their time, at most: every page of such a search reads them all. */
const maxSorted = 5_000;
/** Traces that are read at once. A search that finds little reads twice as many each time: every round waits for several answers. */
const [firstBatch, maxBatch] = [200, 1_000];
const checksAtOnce = 8;

/** Traces that match the filter. In the order of time, the cursor names the last trace looked at: what arrives later does not shift it. */
export async function searchTraces(query: SearchQuery, deps: SearchDeps): Promise<SearchPage> {
  const filter = query.filter === undefined || query.filter.trim() === '' ? undefined : parseFilter(query.filter);
  const orders = parseOrder(query.orderBy ?? []);
  const plan = planSearch(filter);
  const [first] = orders;
  if (plan.kind !== 'traces' && (first === undefined || first.field === byTime)) {
    return pageByTime({ ...query, plan, filter, ascending: first?.ascending ?? false }, deps);
  }
  return pageSorted({ ...query, plan, filter, orders }, deps);
}

interface Planned extends Omit<SearchQuery, 'filter'> {
  readonly plan: SearchPlan;
  readonly filter: Filter | undefined;
}

async function pageByTime(query: Planned & { ascending: boolean }, deps: SearchDeps): Promise<SearchPage> {
  const cursor = query.cursor === undefined ? undefined : fromCursor(query.cursor);
  let before = cursor && 'before' in cursor ? cursor.before : undefined;
  const infos: TraceInfo[] = [];
  for (let scanned = 0, batch = firstBatch; scanned < maxScanned; batch = Math.min(batch * 2, maxBatch)) {
    const wanted = query.filter ? Math.min(batch, maxScanned - scanned) : query.limit - infos.length;
    const found = await find(query, { before, limit: wanted, deps });
    const matching = await matchesOf(found, { query, deps });
    for (const [i, { position }] of found.entries()) {
      before = position;
      const info = matching[i];
      if (info) infos.push(info);
      if (infos.length === query.limit) return { infos, ...stopped(before) };
    }
    scanned += found.length;
    if (found.length < wanted) return { infos };
  }
  return { infos, ...stopped(before as string) };
}

function stopped(position: string): Pick<SearchPage, 'cursor' | 'reached'> {
  return { cursor: toCursor({ before: position }), reached: Number(position.split('#')[0]) };
}

/** In another order than that of time: reads all that match, and says so where they are too many. */
async function pageSorted(query: Planned & { orders: readonly TraceOrder[] }, deps: SearchDeps): Promise<SearchPage> {
  const cursor = query.cursor === undefined ? undefined : fromCursor(query.cursor);
  const offset = cursor && 'offset' in cursor ? cursor.offset : 0;
  const all: TraceInfo[] = [];
  let before: string | undefined;
  for (let scanned = 0; ; ) {
    const found = await find({ ...query, ascending: false }, { before, limit: maxBatch, deps });
    all.push(...(await matchesOf(found, { query, deps })).filter((info) => info !== undefined));
    scanned += found.length;
    before = found.at(-1)?.position;
    if (found.length < maxBatch || before === undefined) break;
    if (scanned >= maxSorted) throw tooMany(query.orders, before);
  }
  const infos = sortTraces(all, query.orders).slice(offset, offset + query.limit);
  const next = offset + infos.length;
  return { infos, ...(next < all.length && { cursor: toCursor({ offset: next }) }) };
}

function tooMany([order]: readonly TraceOrder[], position: string): ApiError {
  const reached = new Date(Number(position.split('#')[0])).toISOString();
  return new ApiError(
    'INVALID_PARAMETER_VALUE',
    `more than ${maxSorted.toLocaleString('en')} traces would have to be ordered by ${order?.field}; the newest of them reach back to ` +
      `${reached}: narrow the filter with timestamp_ms > …, order by timestamp_ms, or use SQL on the archive`,
  );
}

/** The next traces where the plan looks, in the order of time. */
async function find(
  { plan, experimentIds, ascending }: Planned & { ascending: boolean },
  { before, limit, deps }: { before: string | undefined; limit: number; deps: SearchDeps },
): Promise<readonly FoundTrace[]> {
  if (plan.kind === 'traces') return namedTraces(plan.traceIds, { before, limit });
  const { from, to } = plan;
  const within = plan.kind === 'time' ? undefined : { kind: plan.kind, id: plan.id };
  return deps.search.find({ experimentIds, from, to, before, limit, ascending, ...(within && { within }) });
}

/** Traces that were named, in the order of their ids: that of time is not known before they are read. */
function namedTraces(
  traceIds: readonly string[],
  { before = '', limit }: { before: string | undefined; limit: number },
): readonly FoundTrace[] {
  const named = [...new Set(traceIds)].map((traceId) => ({ traceId, position: `${'0'.repeat(13)}#${traceId}` }));
  return named
    .filter(({ position }) => position > before)
    .toSorted((a, b) => (a.position < b.position ? -1 : 1))
    .slice(0, limit);
}

/** The infos that match, undefined in the place of the others. */
async function matchesOf(
  found: readonly FoundTrace[],
  { query: { filter, experimentIds, plan }, deps }: { query: Planned; deps: SearchDeps },
): Promise<readonly (TraceInfo | undefined)[]> {
  const known = await deps.index.getInfos(found.map(({ traceId }) => traceId));
  const infos = found.map(({ traceId }) => known.get(traceId));
  if (filter === undefined) return infos;
  const meant =
    plan.kind === 'traces'
      ? infos.map((info) => (info && experimentIds.includes(info.experimentId) ? info : undefined))
      : infos;
  const assessments = needsAssessments(filter)
    ? await deps.assessments.listAll(meant.filter((info) => info !== undefined))
    : new Map<string, readonly Assessment[]>();
  const ifMatching = (info: TraceInfo, spans: readonly ScorableSpan[]) => {
    const subject = { ...info, spans: () => spans, assessments: () => assessments.get(info.traceId) ?? [] };
    return matchFilter(filter, subject).matched ? info : undefined;
  };
  if (!needsSpans(filter)) return meant.map((info) => info && ifMatching(info, []));
  const task = async (info: TraceInfo | undefined) => info && ifMatching(info, await spansOf(info, deps));
  return valuesOf(await settleInParallel(meant, { limit: checksAtOnce, task }));
}
