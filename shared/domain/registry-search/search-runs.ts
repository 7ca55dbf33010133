import { ApiError } from '../api-error.ts';
import { fromPageToken, toPageToken } from '../page-token.ts';
import type { RunStore } from '../ports.ts';
import { compareRuns, experimentOfRun, type Run, runIdBound } from '../run.ts';
import { compileFilter } from './compile-filter.ts';
import { compareBy, type OrderTerm, parseOrder } from './compile-order.ts';
import { runVocabulary } from './run-vocabulary.ts';
import { isInView, type ViewType } from './search-experiments.ts';

export interface RunQuery {
  readonly experiments: readonly { readonly experimentId: string; readonly isDeleted: boolean }[];
  readonly viewType: ViewType;
  readonly filter?: string | null | undefined;
  readonly orderBy: readonly string[];
  readonly limit: number;
  readonly cursor?: string | null | undefined;
}

export interface RunPage {
  readonly runs: readonly Run[];
  /** Absent on the last page. A page may hold fewer than `limit` and be followed by others. */
  readonly cursor?: string;
}

/** Runs that one page looks at, at most: a filter that matches little ends the page, not the function's time. */
const maxScanned = 5_000;
/** Characters of JSON on a page, about: what is larger than Lambda answers has to be fetched from elsewhere. */
const maxPageLength = 3_000_000;
/** Runs that are sorted, at most: their order is known only when all have been read. */
const maxSorted = 10_000;

/** Runs that match, newest first where no other order is wanted. */
export async function searchRuns(query: RunQuery, store: Pick<RunStore, 'newest'>): Promise<RunPage> {
  const matches = compileFilter(query.filter, runVocabulary);
  const terms = parseOrder(query.orderBy, runVocabulary);
  const isFound = (run: Run) => isInView(run.info, query.viewType) && matches(run);
  return isNewestFirst(terms)
    ? newestPage(query, { store, isFound })
    : sortedPage(query, { store, isFound, compare: compareBy(terms) });
}

function isNewestFirst([first, ...more]: readonly OrderTerm<Run>[]): boolean {
  return (
    first === undefined ||
    (more.length === 0 && first.field === runVocabulary.attributes.start_time && !first.isAscending)
  );
}

type IsFound = (run: Run) => boolean;

async function newestPage(
  query: RunQuery,
  { store, isFound }: { store: Pick<RunStore, 'newest'>; isFound: IsFound },
): Promise<RunPage> {
  const runs: Run[] = [];
  let [scanned, length, last] = [0, 0, readCursor(query, 'before')];
  for await (const run of merged(query, store, last)) {
    if (runs.length === query.limit || scanned === maxScanned || length > maxPageLength)
      return { runs, cursor: toPageToken(JSON.stringify({ before: last ?? '' })) };
    scanned++;
    last = run.info.runId;
    if (!isFound(run)) continue;
    runs.push(run);
    length += JSON.stringify(run).length;
  }
  return { runs };
}

/** The runs of all experiments in one order. */
async function* merged(
  { experiments }: RunQuery,
  store: Pick<RunStore, 'newest'>,
  before: string | undefined,
): AsyncIterable<Run> {
  const heads = await Promise.all(
    experiments.map(async ({ experimentId, isDeleted }) => {
      const below = before === undefined ? undefined : runIdBound(experimentId, before);
      const runs = store.newest(experimentId, below)[Symbol.asyncIterator]();
      const next = async () => {
        const { value, done } = await runs.next();
        return done ? undefined : asIn(value, isDeleted);
      };
      return { next, head: await next() };
    }),
  );
  for (;;) {
    const [first] = heads
      .filter(({ head }) => head !== undefined)
      .toSorted((a, b) => compareRuns((a.head as Run).info, (b.head as Run).info));
    if (first?.head === undefined) return;
    yield first.head;
    first.head = await first.next();
  }
}

/** In a deleted experiment every run is deleted. */
function asIn(run: Run, isDeleted: boolean): Run {
  return isDeleted ? { ...run, info: { ...run.info, lifecycleStage: 'deleted' } } : run;
}

async function sortedPage(
  query: RunQuery,
  {
    store,
    isFound,
    compare,
  }: { store: Pick<RunStore, 'newest'>; isFound: IsFound; compare: (a: Run, b: Run) => number },
): Promise<RunPage> {
  const offset = Number(readCursor(query, 'offset') ?? 0);
  const found: Run[] = [];
  let scanned = 0;
  for await (const run of merged(query, store, undefined)) {
    if (++scanned > maxSorted) {
      throw new ApiError(
        'INVALID_PARAMETER_VALUE',
        `more than ${maxSorted} runs cannot be sorted: leave order_by out, for the newest first, or name fewer experiments`,
      );
    }
    if (isFound(run)) found.push(run);
  }
  // Equal ones stay newest first.
  const sorted = found.toSorted(compare);
  const runs: Run[] = [];
  let length = 0;
  for (const run of sorted.slice(offset, offset + query.limit)) {
    if (length > maxPageLength) break;
    runs.push(run);
    length += JSON.stringify(run).length;
  }
  const end = offset + runs.length;
  return { runs, ...(end < sorted.length && { cursor: toPageToken(JSON.stringify({ offset: String(end) })) }) };
}

/** A token of another order than the one asked for is none. */
function readCursor({ cursor }: RunQuery, kind: 'before' | 'offset'): string | undefined {
  if (!cursor) return undefined;
  return fromPageToken(cursor, (json) => {
    const value = JSON.parse(json)[kind];
    const isValid = kind === 'before' ? experimentOfRun(value) !== undefined : /^\d{1,6}$/.test(value);
    return typeof value === 'string' && isValid ? value : undefined;
  });
}
