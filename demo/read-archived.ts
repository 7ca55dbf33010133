import type { Archive } from '../cli/archive.ts';
import type { Archived } from './reconcile/reconcile.ts';

/** Ids of everything that the views show, as often as they show it. */
export async function readArchived({ query }: Pick<Archive, 'query'>): Promise<Archived> {
  const idsOf = async (sql: string) => (await query(sql)).rows.map(([id]) => id ?? '');
  return {
    traceIds: await idsOf('SELECT trace_id FROM traces_current'),
    spanIds: await idsOf("SELECT concat(trace_id, '/', span_id) AS id FROM spans_current"),
    assessmentIds: await idsOf('SELECT assessment_id FROM assessments_current'),
  };
}
