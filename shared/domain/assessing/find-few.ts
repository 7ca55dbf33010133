import type { Backfill } from '../backfilling/backfill.ts';
import type { Clock } from '../ports.ts';
import { type SearchDeps, searchTraces } from '../search/search-traces.ts';

/** Pages of a search, of 2,000 traces each, and the time for them: what is not found then is left to the lane. */
const maxPages = 5;
const searchMs = 4_000;

/** The traces of a search, if they are few; undefined: there are more, or it takes long to know. */
export async function findFew(
  { experimentId, from, to, scorers }: Backfill,
  { max, deps }: { max: number; deps: SearchDeps & { readonly now: Clock } },
): Promise<readonly string[] | undefined> {
  const filter = [scorers[0]?.filter, `timestamp_ms >= ${from}`, `timestamp_ms <= ${to}`]
    .filter((clause) => clause !== undefined)
    .join(' AND ');
  const giveUpAt = deps.now() + searchMs;
  const found: string[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < maxPages && deps.now() < giveUpAt; page++) {
    const limit = max + 1 - found.length;
    const { infos, cursor: next } = await searchTraces({ experimentIds: [experimentId], filter, limit, cursor }, deps);
    found.push(...infos.map(({ traceId }) => traceId));
    if (found.length > max) return undefined;
    if (next === undefined) return found;
    cursor = next;
  }
  return undefined;
}
