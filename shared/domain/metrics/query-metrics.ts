import { isSettled, spansOf } from '../spans-of.ts';
import type { TraceInfo } from '../trace.ts';
import { type MetricsPage, metricGroups } from './metric-groups.ts';
import { assessmentRows, type MetricRow, spanRows, traceRow } from './metric-rows.ts';
import { type MetricsFilter, parseMetricsFilters } from './metrics-filter.ts';
import { checkMetricsQuery, type MetricsQuery } from './metrics-query.ts';
import { type RangeDeps, readAssessments, readEach, readRange } from './read-range.ts';
import { readingBudget } from './reading-budget.ts';

const advice = 'Narrow start_time_ms and end_time_ms';

type RowReader = (infos: readonly TraceInfo[]) => Promise<readonly MetricRow[]>;

/**
 * Metrics of the traces that began in a range of time, of their spans, or of their assessments, as MLflow's server computes them:
 * exact, from the index. Where MLflow counts the costs of spans by the span's own time, these too are of the traces of the range.
 * @throws ApiError where the query asks for what there is not, or for more than can be read while a caller waits
 */
export async function queryMetrics(query: MetricsQuery, deps: RangeDeps): Promise<MetricsPage> {
  checkMetricsQuery(query);
  const filter = parseMetricsFilters(query.filters, query.view);
  const groups = metricGroups(query);
  const rowsOf = rowReader(query, { filter, deps });
  const budget = readingBudget({ what: 'traces', now: deps.now, advice });
  for await (const infos of readRange(query, { deps, budget })) {
    for (const row of await rowsOf(infos.filter(filter.onTrace))) groups.add(row);
  }
  return groups.page();
}

function rowReader(query: MetricsQuery, { filter, deps }: { filter: MetricsFilter; deps: RangeDeps }): RowReader {
  switch (query.view) {
    case 'TRACES':
      return async (infos) => infos.map((info) => traceRow(info, query));
    case 'SPANS':
      return spanReader(query, { filter, deps });
    case 'ASSESSMENTS':
      return assessmentReader(query, { filter, deps });
  }
}

function spanReader(query: MetricsQuery, { filter, deps }: { filter: MetricsFilter; deps: RangeDeps }): RowReader {
  const budget = readingBudget({ what: 'spans', now: deps.now, advice });
  const read = async (info: TraceInfo) => spanRows(await spansOf(info, deps), { ...query, isMeant: filter.onSpan });
  return async (infos) => {
    const meant = infos.filter((info) => mayHaveSpans(info, { query, filter }));
    return (await readEach(meant, { budget, read })).flat();
  };
}

/** The facts of a trace say what it has no spans of: those need not be read. */
function mayHaveSpans(info: TraceInfo, { query, filter }: { query: MetricsQuery; filter: MetricsFilter }): boolean {
  const { facts } = info;
  if (!isSettled(info)) return true;
  if (query.metric.endsWith('_cost') && facts.cost === undefined) return false;
  return filter.clauses.every(({ subject, entity, value }) => {
    if (subject !== 'span') return true;
    if (entity === 'type' && value === 'TOOL') return facts.toolCallCount > 0;
    return entity !== 'status' || value !== 'ERROR' || facts.errorCount > 0;
  });
}

function assessmentReader(
  query: MetricsQuery,
  { filter, deps }: { filter: MetricsFilter; deps: RangeDeps },
): RowReader {
  const budget = readingBudget({ what: 'assessments', now: deps.now, advice });
  return async (infos) => {
    const assessments = await readAssessments(infos, { budget, deps });
    return infos.flatMap((info, i) =>
      assessmentRows(assessments[i] ?? [], { ...query, info, isMeant: filter.onAssessment }),
    );
  };
}
