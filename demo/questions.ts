import type { Archive } from './archive.ts';
import type { AnsweredQuestion } from './page/archive-section.ts';

/** Two of the queries that are deployed with the workgroup, and one that joins. */
export async function askArchive({
  query,
  storedQuery,
}: Pick<Archive, 'query' | 'storedQuery'>): Promise<readonly AnsweredQuestion[]> {
  const questions = [
    { title: 'Quality by scorer and day (stored query)', sql: storedQuery('quality-by-scorer-and-day') },
    { title: 'Failing tools (stored query)', sql: storedQuery('failing-tools') },
    { title: 'Sessions in which an answer gave personal data away', sql: leakingSessions },
  ];
  const answered: AnsweredQuestion[] = [];
  for (const question of questions) answered.push({ ...question, result: await query(question.sql) });
  return answered;
}

const leakingSessions = `SELECT t.session_id, t.user_id, count(*) AS leaks, max(t.duration_ms) AS slowest_ms, sum(t.total_tokens) AS tokens
FROM assessments_current a JOIN traces_current t ON a.trace_id = t.trace_id
WHERE a.scorer_name = 'no_pii' AND a.value_number = 0
GROUP BY t.session_id, t.user_id
ORDER BY leaks DESC, t.session_id
LIMIT 5`;
