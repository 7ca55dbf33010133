import { setTimeout as delay } from 'node:timers/promises';
import type { Archive } from '../cli/archive.ts';

const pollMs = 500;
const patienceMs = 20_000;

/**
 * Has the streams deliver what they hold, and waits until the views show as many rows as were written. Gives up without an error where they do not: the reconciliation
 * then says which are missing.
 */
export async function awaitArchive(
  expected: { readonly traces: number; readonly spans: number; readonly assessments: number },
  { query, flush }: Pick<Archive, 'query'> & { flush(): Promise<void> },
): Promise<void> {
  const counts = Object.keys(expected).map((table) => `(SELECT count(*) FROM ${table}_current) AS ${table}`);
  const wanted = Object.values(expected).map(String);
  await flush();
  for (const end = Date.now() + patienceMs; Date.now() < end; await delay(pollMs)) {
    const { rows } = await query(`SELECT ${counts.join(', ')}`);
    if (rows[0]?.every((value, i) => value === wanted[i])) return;
  }
}
