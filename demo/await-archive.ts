import { setTimeout as delay } from 'node:timers/promises';
import type { Archive } from './archive.ts';

const pollMs = 500;
/** The local stream delivers every five seconds. */
const patienceMs = 20_000;

/**
 * Waits until the views show as many rows as were written. Gives up without an error where they do not: the reconciliation
 * then says which are missing.
 */
export async function awaitArchive(
  { query }: Pick<Archive, 'query'>,
  expected: { readonly traces: number; readonly spans: number; readonly assessments: number },
): Promise<void> {
  const counts = Object.keys(expected).map((table) => `(SELECT count(*) FROM ${table}_current) AS ${table}`);
  const wanted = Object.values(expected).map(String);
  for (const end = Date.now() + patienceMs; Date.now() < end; await delay(pollMs)) {
    const { rows } = await query(`SELECT ${counts.join(', ')}`);
    if (rows[0]?.every((value, i) => value === wanted[i])) return;
  }
}
