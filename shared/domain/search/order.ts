import { ApiError } from '../api-error.ts';
import { metadataOf, tagOf, traceNumber, traceText } from '../filter/trace-values.ts';
import type { TraceInfo } from '../trace.ts';

/** One `order_by` of a search. */
export interface TraceOrder {
  /** As MLflow spells it, aliases resolved. */
  readonly field: string;
  readonly ascending: boolean;
  readonly valueOf: (info: TraceInfo) => string | number | undefined;
}

const clausePattern = /^\s*(?:(\w+)\.)?(?:`([^`]+)`|"([^"]+)"|([^\s`"]+))(?:\s+(asc|desc))?\s*$/i;
const attributes = new Set(['', 'attribute', 'attributes', 'trace']);
const aliases: Readonly<Record<string, string>> = {
  timestamp: 'timestamp_ms',
  execution_time: 'execution_time_ms',
  end_time: 'end_time_ms',
};

export const byTime = 'timestamp_ms';

/**
 * Parses `order_by` as MLflow's SearchTraceUtils does: attributes, `tag.x`, `metadata.x`, each with ASC (the default) or DESC.
 * @throws ApiError
 */
export function parseOrder(orderBy: readonly string[]): readonly TraceOrder[] {
  const orders = orderBy.map(parseClause);
  if (new Set(orders.map(({ field }) => field)).size < orders.length) {
    throw new ApiError('INVALID_PARAMETER_VALUE', `\`order_by\` contains duplicate fields: ${orderBy.join(', ')}`);
  }
  return orders;
}

function parseClause(text: string): TraceOrder {
  const [, entity = '', ticked, quoted, bare, direction] = clausePattern.exec(text) ?? [];
  const key = ticked ?? quoted ?? bare;
  const field = key === undefined ? undefined : fieldOf(entity.toLowerCase(), key);
  if (!field) {
    throw new ApiError(
      'INVALID_PARAMETER_VALUE',
      `Invalid order_by clause '${text}': order by timestamp_ms, execution_time_ms, end_time_ms, status, request_id, experiment_id, name, run_id, tags.<key> or metadata.<key>, with ASC or DESC behind`,
    );
  }
  return { ...field, ascending: direction?.toLowerCase() !== 'desc' };
}

function fieldOf(entity: string, key: string): Pick<TraceOrder, 'field' | 'valueOf'> | undefined {
  if (entity === 'tag' || entity === 'tags') return keyed(`tag.${key}`, tagOf(key));
  if (entity === 'metadata' || entity === 'request_metadata') return keyed(`metadata.${key}`, metadataOf(key));
  if (!attributes.has(entity)) return undefined;
  if (key === 'name') return keyed('name', tagOf('mlflow.traceName'));
  if (key === 'run_id') return keyed('run_id', metadataOf('mlflow.sourceRun'));
  if (key === 'experiment_id') return { field: key, valueOf: ({ experimentId }) => experimentId };
  if (key === 'status' || key === 'request_id') return keyed(key, traceText(key));
  const field = aliases[key] ?? key;
  if (!Object.values(aliases).includes(field)) return undefined;
  return keyed(field, traceNumber(field));
}

type Read = (subject: Subject) => string | number | undefined;
type Subject = Parameters<NonNullable<ReturnType<typeof traceText>>>[0];

function keyed(field: string, read: Read | undefined): Pick<TraceOrder, 'field' | 'valueOf'> {
  return { field, valueOf: (info) => read?.(info) };
}

/** Traces without the value come last, as in MLflow; ties go to the newer trace, then to the smaller id. */
export function sortTraces(infos: readonly TraceInfo[], orders: readonly TraceOrder[]): readonly TraceInfo[] {
  const rows = infos.map((info) => ({ info, values: orders.map((order) => order.valueOf(info)) }));
  rows.sort((a, b) => {
    for (const [i, { ascending }] of orders.entries()) {
      const [x, y] = [a.values[i], b.values[i]];
      if (x === y) continue;
      if (x === undefined || y === undefined) return x === undefined ? 1 : -1;
      return x < y === ascending ? -1 : 1;
    }
    const newer = b.info.facts.requestTime - a.info.facts.requestTime;
    return newer !== 0 ? newer : a.info.traceId < b.info.traceId ? -1 : 1;
  });
  return rows.map(({ info }) => info);
}
