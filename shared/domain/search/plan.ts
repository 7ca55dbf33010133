import { sessionKey } from '../facts/who.ts';
import type { Filter, FilterClause } from '../filter/filter.ts';

/** Where to look for the traces that a filter may match: the narrowest that an index or a key serves. */
export type SearchPlan =
  | { readonly kind: 'traces'; readonly traceIds: readonly string[] }
  | { readonly kind: 'client-request'; readonly id: string; readonly from: number; readonly to: number }
  | { readonly kind: 'session'; readonly id: string; readonly from: number; readonly to: number }
  | { readonly kind: 'time'; readonly from: number; readonly to: number };

/** Every clause must hold, so one that names the trace, its request or its session says where it can be found. */
export function planSearch(filter: Filter | undefined): SearchPlan {
  const clauses = filter?.clauses ?? [];
  const traceIds = firstOf(clauses, idsOf);
  if (traceIds) return { kind: 'traces', traceIds };
  const range = timeRange(clauses);
  const clientRequest = firstOf(clauses, (clause) => equalTo(clause, 'attribute', ['client_request_id']));
  if (clientRequest) return { kind: 'client-request', id: clientRequest, ...range };
  // Not by the tag of that name: of a trace that is told its session twice the metadata stand in the index.
  const session = firstOf(
    clauses,
    (clause) => equalTo(clause, 'attribute', ['session']) ?? equalTo(clause, 'request_metadata', [sessionKey]),
  );
  return session ? { kind: 'session', id: session, ...range } : { kind: 'time', ...range };
}

function firstOf<T>(clauses: readonly FilterClause[], read: (clause: FilterClause) => T | undefined): T | undefined {
  for (const clause of clauses) {
    const value = read(clause);
    if (value !== undefined) return value;
  }
  return undefined;
}

function idsOf({ entity, key, comparator, value }: FilterClause): readonly string[] | undefined {
  if (entity !== 'attribute' || key !== 'request_id') return undefined;
  if (comparator === '=') return [String(value)];
  return comparator === 'IN' && Array.isArray(value) ? value.map(String) : undefined;
}

/** The text that the clause compares one of the keys with; an empty one stands in no index. */
function equalTo(clause: FilterClause, entity: FilterClause['entity'], keys: readonly string[]): string | undefined {
  if (clause.entity !== entity || clause.comparator !== '=' || !keys.includes(clause.key)) return undefined;
  return typeof clause.value === 'string' && clause.value !== '' ? clause.value : undefined;
}

/** What the filter says of the request time, epoch ms, inclusive. */
function timeRange(clauses: readonly FilterClause[]): { from: number; to: number } {
  let [from, to] = [0, Number.MAX_SAFE_INTEGER];
  for (const { entity, key, comparator, value } of clauses) {
    if (entity !== 'attribute' || !/^timestamp(_ms)?$/.test(key) || typeof value !== 'number') continue;
    if (comparator === '>' || comparator === '>=' || comparator === '=') from = Math.max(from, Math.floor(value));
    if (comparator === '<' || comparator === '<=' || comparator === '=') to = Math.min(to, Math.ceil(value));
  }
  return { from, to };
}
