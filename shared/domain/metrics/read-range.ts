import type { Assessment } from '../assessment.ts';
import { settleInParallel, valuesOf } from '../in-parallel.ts';
import type {
  AssessmentStore,
  Clock,
  SegmentStore,
  TimeQuery,
  TraceCodec,
  TraceReader,
  TraceSearch,
} from '../ports.ts';
import type { TraceInfo } from '../trace.ts';
import type { ReadingBudget } from './reading-budget.ts';

export interface RangeDeps {
  readonly index: TraceReader;
  readonly search: TraceSearch;
  readonly segments: Pick<SegmentStore, 'readBlock'>;
  readonly codec: Pick<TraceCodec, 'decode' | 'merge' | 'decompress'>;
  readonly assessments: Pick<AssessmentStore, 'listAll'>;
  readonly now: Clock;
}

export interface TraceRange {
  readonly experimentIds: readonly string[];
  /** Request times, epoch ms, inclusive. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly within?: TimeQuery['within'];
}

const pageSize = 1_000;
/** Positions hold 13 digits: until the year 2286. */
const endOfTime = 9_999_999_999_999;
const readsAtOnce = 24;
/** Each may have a hundred assessments, and all of these are read at once. */
const assessedAtOnce = 100;

/** All traces of a range, newest first, page by page. */
export async function* readRange(
  range: TraceRange,
  { deps, budget }: { deps: RangeDeps; budget: ReadingBudget },
): AsyncGenerator<readonly TraceInfo[]> {
  const from = Math.max(0, Math.ceil(range.from ?? 0));
  const to = Math.min(endOfTime, Math.floor(range.to ?? endOfTime));
  if (from > to) return;
  // A late span can move a trace to an earlier time, and so before what is still to be read.
  const seen = new Set<string>();
  for (let before: string | undefined; ; ) {
    const found = await deps.search.find({ ...range, from, to, before, limit: pageSize });
    const infos = await deps.index.getInfos(found.map(({ traceId }) => traceId));
    const page = found.flatMap(({ traceId }) => {
      const info = seen.has(traceId) ? undefined : infos.get(traceId);
      seen.add(traceId);
      return info ?? [];
    });
    budget.take(page.length, page.at(-1)?.facts.requestTime ?? to);
    yield page.filter(({ facts }) => facts.requestTime >= from && facts.requestTime <= to);
    before = found.at(-1)?.position;
    if (found.length < pageSize || before === undefined) return;
  }
}

/** What `read` answers for each trace, many at a time, as long as the budget lasts. */
export async function readEach<T>(
  infos: readonly TraceInfo[],
  { budget, read }: { budget: ReadingBudget; read: (info: TraceInfo) => Promise<T> },
): Promise<readonly T[]> {
  const task = async (info: TraceInfo) => {
    budget.take(1, info.facts.requestTime);
    return read(info);
  };
  return valuesOf(await settleInParallel(infos, { limit: readsAtOnce, task }));
}

/** The assessments of each trace, in the order of the traces. Only those that have some cost a read. */
export async function readAssessments(
  infos: readonly TraceInfo[],
  { budget, deps }: { budget: ReadingBudget; deps: RangeDeps },
): Promise<readonly (readonly Assessment[])[]> {
  const found = new Map<string, readonly Assessment[]>();
  const assessed = infos.filter(({ assessmentIds = [] }) => assessmentIds.length > 0);
  for (let at = 0; at < assessed.length; at += assessedAtOnce) {
    const some = assessed.slice(at, at + assessedAtOnce);
    budget.take(some.length, some.at(-1)?.facts.requestTime ?? 0);
    for (const [traceId, assessments] of await deps.assessments.listAll(some)) found.set(traceId, assessments);
  }
  return infos.map(({ traceId }) => found.get(traceId) ?? []);
}
