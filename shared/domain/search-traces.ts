import { ApiError } from './api-error.ts';
import type { Filter } from './filter/filter.ts';
import { matchFilter } from './filter/match-filter.ts';
import { needsAssessments, needsSpans } from './filter/needs.ts';
import { parseFilter } from './filter/parse-filter.ts';
import { settleInParallel } from './in-parallel.ts';
import { readSpans } from './indexing/block.ts';
import type { AssessmentStore, SegmentStore, TraceCodec, TraceReader, TraceSearch } from './ports.ts';
import type { TraceInfo } from './trace.ts';

export interface SearchDeps {
  readonly index: TraceReader;
  readonly search: TraceSearch;
  readonly segments: Pick<SegmentStore, 'readBlock'>;
  readonly codec: Pick<TraceCodec, 'decode' | 'merge' | 'decompress'>;
  readonly assessments: AssessmentStore;
}

export interface SearchQuery {
  readonly experimentIds: readonly string[];
  readonly filter?: string | undefined;
  /** Traces on a page. */
  readonly limit: number;
  /** Of the page before. */
  readonly cursor?: string | undefined;
}

export interface SearchPage {
  readonly infos: readonly TraceInfo[];
  /** Absent on the last page. A page may hold fewer than `limit` and be followed by others. */
  readonly cursor?: string;
}

/** Traces that one page looks at, at most: a filter that matches little ends the page, not the function's time. */
const maxScanned = 2_000;
const batchSize = 200;
const checksAtOnce = 8;

/** Traces newest first that match the filter. The cursor names the last trace looked at: what arrives later does not shift it. */
export async function searchTraces(query: SearchQuery, deps: SearchDeps): Promise<SearchPage> {
  const filter = query.filter === undefined || query.filter.trim() === '' ? undefined : parseFilter(query.filter);
  const range = timeRange(filter);
  const infos: TraceInfo[] = [];
  let before = query.cursor === undefined ? undefined : fromCursor(query.cursor);
  for (let scanned = 0; scanned < maxScanned; ) {
    const wanted = filter ? batchSize : query.limit - infos.length;
    const found = await deps.search.newest({ experimentIds: query.experimentIds, ...range, before, limit: wanted });
    const known = await deps.index.getInfos(found.map(({ traceId }) => traceId));
    const matching = await matchesOf(
      found.map(({ traceId }) => known.get(traceId)),
      { filter, deps },
    );
    for (const [i, { position }] of found.entries()) {
      before = position;
      const info = matching[i];
      if (info) infos.push(info);
      if (infos.length === query.limit) return { infos, cursor: toCursor(before) };
    }
    scanned += found.length;
    if (found.length < wanted) return { infos };
  }
  return { infos, ...(before !== undefined && { cursor: toCursor(before) }) };
}

/** The infos that match, undefined in the place of the others. */
async function matchesOf(
  infos: readonly (TraceInfo | undefined)[],
  { filter, deps }: { filter: Filter | undefined; deps: SearchDeps },
): Promise<readonly (TraceInfo | undefined)[]> {
  if (filter === undefined) return infos;
  const task = async (info: TraceInfo | undefined) =>
    info && (await isMatching(info, { filter, deps })) ? info : undefined;
  const results = await settleInParallel(infos, { limit: checksAtOnce, task });
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

async function isMatching(info: TraceInfo, { filter, deps }: { filter: Filter; deps: SearchDeps }): Promise<boolean> {
  const { traceId, experimentId, facts } = info;
  const spans = needsSpans(filter) ? await spansOf(info, deps) : [];
  const assessments = needsAssessments(filter) ? await deps.assessments.list(traceId) : [];
  return matchFilter(filter, { traceId, experimentId, facts, spans: () => spans, assessments: () => assessments })
    .matched;
}

async function spansOf(info: TraceInfo, { segments, codec }: SearchDeps) {
  const blocks = await Promise.all(info.blocks.map(async (block) => codec.decompress(await segments.readBlock(block))));
  return readSpans(codec.merge(blocks), codec);
}

/** What the filter says of the request time narrows what is read. */
function timeRange(filter: Filter | undefined): { from: number; to: number } {
  let [from, to] = [0, Number.MAX_SAFE_INTEGER];
  for (const { entity, key, comparator, value } of filter?.clauses ?? []) {
    if (entity !== 'attribute' || !/^timestamp(_ms)?$/.test(key) || typeof value !== 'number') continue;
    if (comparator === '>' || comparator === '>=' || comparator === '=') from = Math.max(from, Math.floor(value));
    if (comparator === '<' || comparator === '<=' || comparator === '=') to = Math.min(to, Math.ceil(value));
  }
  return { from, to };
}

function toCursor(position: string): string {
  return Buffer.from(JSON.stringify({ before: position })).toString('base64url');
}

function fromCursor(cursor: string): string {
  try {
    const { before } = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as { before?: unknown };
    if (typeof before === 'string' && /^\d{13}#/.test(before)) return before;
  } catch {
    // Told below.
  }
  throw new ApiError('INVALID_PARAMETER_VALUE', 'Invalid page token, could not base64-decode');
}
