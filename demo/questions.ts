import type { Archive } from '../cli/archive.ts';
import type { AnsweredQuestion } from './page/archive-section.ts';

/** Two of the queries that are deployed with the workgroup, and one that joins. */
export async function askArchive({
  query,
  storedQuery,
}: Pick<Archive, 'query' | 'storedQuery'>): Promise<readonly AnsweredQuestion[]> {
  const questions = [
    { title: 'Quality by scorer and day (stored query)', sql: storedQuery('quality-by-scorer-and-day') },
    { title: 'Failing tools (stored query)', sql: storedQuery('failing-tools') },
    { title: 'Sessions with most failed verdicts', sql: troubledSessions },
  ];
  const answered: AnsweredQuestion[] = [];
  for (const question of questions) answered.push({ ...question, result: await query(question.sql) });
  return answered;
}

const troubledSessions = `SELECT t.session_id, t.user_id, count(DISTINCT t.trace_id) AS traces,
  count_if(a.value_number = 0) AS failed_verdicts,
  count_if(a.scorer_name = 'discretion' AND a.value_number = 0) AS leaks,
  max(t.duration_ms) AS slowest_ms
FROM traces_current t JOIN assessments_current a ON a.trace_id = t.trace_id
GROUP BY t.session_id, t.user_id
ORDER BY failed_verdicts DESC, t.session_id
LIMIT 5`;
