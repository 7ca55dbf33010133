import type { Assessment } from '../assessment.ts';
import type { Filter } from '../filter/filter.ts';
import { matchFilter } from '../filter/match-filter.ts';
import { needsAssessments } from '../filter/needs.ts';
import { parseFilter } from '../filter/parse-filter.ts';
import { withSessionAssessments } from '../filter/session-assessments.ts';
import { settleInParallel, valuesOf } from '../in-parallel.ts';
import type { ScorableSpan } from '../scorable-trace.ts';
import { planSearch } from '../search/plan.ts';
import { spansOf } from '../spans-of.ts';
import type { TraceInfo } from '../trace.ts';
import { type CooccurrenceCounts, npmiOf } from './npmi.ts';
import { type RangeDeps, readAssessments, readRange, type TraceRange } from './read-range.ts';
import { type ReadingBudget, readingBudget } from './reading-budget.ts';

export interface CorrelationQuery {
  readonly experimentIds: readonly string[];
  readonly filter1: string;
  readonly filter2: string;
  /** What both filters are asked on top of; the counts are of the traces that match it. */
  readonly base?: string | undefined;
}

export interface Correlation extends CooccurrenceCounts {
  /** Absent where a filter matches nothing. */
  readonly npmi?: { readonly plain: number; readonly smoothed: number };
}

interface Filters {
  readonly filter1: Filter;
  readonly filter2: Filter;
  readonly base: Filter;
}

interface JudgedTrace {
  readonly info: TraceInfo;
  readonly assessments: readonly Assessment[];
}

const advice = 'Narrow timestamp_ms in base_filter';
const tracesAtOnce = 24;

/**
 * How strongly two filters go together, as MLflow's `calculate_trace_filter_correlation`: exact, from the index. What the base filter
 * says of `timestamp_ms` or the session bounds what is read. Assessments of whole sessions hold for the traces of the session that were read.
 */
export async function correlateFilters(query: CorrelationQuery, deps: RangeDeps): Promise<Correlation> {
  const { base = '' } = query;
  // One text: conditions on spans must hold of one span, those of the base filter included.
  const onBase = (filter: string) => parseFilter(base === '' ? filter : `${base} and ${filter}`);
  const filters = { filter1: onBase(query.filter1), filter2: onBase(query.filter2), base: parseFilter(base) };
  const budget = readingBudget({ what: 'spans', now: deps.now, advice });
  const counts = { filter1: 0, filter2: 0, joint: 0, total: 0 };
  for await (const traces of judgedTraces(query, { filters, deps })) {
    const task = (trace: JudgedTrace) => decide(trace, { filters, budget, deps });
    const outcomes = valuesOf(await settleInParallel(traces, { limit: tracesAtOnce, task }));
    for (const { filter1, filter2, base: isCounted } of outcomes) {
      if (filter1) counts.filter1 += 1;
      if (filter2) counts.filter2 += 1;
      if (filter1 && filter2) counts.joint += 1;
      if (isCounted) counts.total += 1;
    }
  }
  const npmi = npmiOf(counts);
  return { ...counts, ...(npmi && { npmi }) };
}

/** Page by page; all at once where assessments are asked for, since one trace may tell of others. */
async function* judgedTraces(
  { experimentIds }: CorrelationQuery,
  { filters, deps }: { filters: Filters; deps: RangeDeps },
): AsyncGenerator<readonly JudgedTrace[]> {
  const range = { experimentIds, ...rangeOf(filters.base) };
  const budget = readingBudget({ what: 'traces', now: deps.now, advice });
  const judging = readingBudget({ what: 'assessments', now: deps.now, advice });
  const areAsked = Object.values(filters).some(needsAssessments);
  const judged: JudgedTrace[] = [];
  for await (const infos of readRange(range, { deps, budget })) {
    if (!areAsked) yield infos.map((info) => ({ info, assessments: [] }));
    else {
      const assessments = await readAssessments(infos, { budget: judging, deps });
      judged.push(...infos.map((info, i) => ({ info, assessments: assessments[i] ?? [] })));
    }
  }
  const seen = withSessionAssessments(judged.map(({ info, assessments }) => ({ facts: info.facts, assessments })));
  yield judged.map(({ info }, i) => ({ info, assessments: seen[i] ?? [] }));
}

type Outcome = Readonly<Record<keyof Filters, boolean>>;

/** Spans are read where a filter cannot be decided without them. */
async function decide(
  trace: JudgedTrace,
  { filters, budget, deps }: { filters: Filters; budget: ReadingBudget; deps: RangeDeps },
): Promise<Outcome> {
  const decided = askAll(filters, trace);
  if (decided !== undefined) return decided;
  budget.take(1, trace.info.facts.requestTime);
  return askAll(filters, { ...trace, spans: await spansOf(trace.info, deps) }) as Outcome;
}

/** Undefined where the spans are not given and one of the filters asked for them. */
function askAll(
  filters: Filters,
  { info, assessments, spans }: JudgedTrace & { spans?: readonly ScorableSpan[] },
): Outcome | undefined {
  let areMissing = false;
  const { traceId, experimentId, facts } = info;
  const subject = {
    traceId,
    experimentId,
    facts,
    assessments: () => assessments,
    spans: () => {
      areMissing = spans === undefined;
      return spans ?? [];
    },
  };
  const ask = (filter: Filter) => matchFilter(filter, subject).matched;
  const outcome = { filter1: ask(filters.filter1), filter2: ask(filters.filter2), base: ask(filters.base) };
  return areMissing ? undefined : outcome;
}

/** All that the base filter can match. */
function rangeOf(base: Filter): Omit<TraceRange, 'experimentIds'> {
  const plan = planSearch(base);
  if (plan.kind === 'traces') return {};
  const { kind, from, to } = plan;
  return { from, to, ...(kind !== 'time' && { within: { kind, id: plan.id } }) };
}
