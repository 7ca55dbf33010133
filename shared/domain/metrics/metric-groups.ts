import { fromPageToken, toPageToken } from '../page-token.ts';
import type { MetricRow } from './metric-rows.ts';
import type { MetricsQuery } from './metrics-query.ts';
import { aggregate } from './statistics.ts';

export interface DataPoint {
  /** The start of its time bucket, epoch ms, where buckets were asked for. */
  readonly bucket?: number;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, number>>;
}

export interface MetricsPage {
  readonly points: readonly DataPoint[];
  /** Absent on the last page. */
  readonly cursor?: string;
}

/** Bucket, where there is one, and dimensions: what data points are told apart and ordered by. */
type GroupKey = readonly (number | string)[];

interface GrowingGroup {
  readonly key: GroupKey;
  count: number;
  readonly numbers: number[];
  readonly distinct: Set<string>;
}

export interface MetricGroups {
  add(row: MetricRow): void;
  /** In the order of time buckets, then dimensions, after the one that the cursor names. */
  page(): MetricsPage;
}

export function metricGroups(query: MetricsQuery): MetricGroups {
  const bucketMs = (query.intervalSeconds ?? 0) * 1000;
  const after = query.cursor === undefined ? undefined : fromCursor(query.cursor, query);
  const groups = new Map<string, GrowingGroup>();
  const groupOf = (key: GroupKey) => {
    const name = JSON.stringify(key);
    const known = groups.get(name);
    if (known) return known;
    const group = { key, count: 0, numbers: [], distinct: new Set<string>() };
    groups.set(name, group);
    return group;
  };
  // Without anything to group by there is one group, and where it is empty its count is 0.
  if (bucketMs === 0 && query.dimensions.length === 0) groupOf([]);
  return {
    add({ time, value, dimensions }) {
      if (value === undefined || !dimensions.every((text) => text !== undefined)) return;
      const group = groupOf([...(bucketMs > 0 ? [Math.floor(time / bucketMs) * bucketMs] : []), ...dimensions]);
      group.count += 1;
      if (typeof value === 'number') group.numbers.push(value);
      else if (query.metric === 'session_count') group.distinct.add(value);
    },

    page() {
      const ordered = [...groups.values()].toSorted((a, b) => compareKeys(a.key, b.key));
      const rest = after === undefined ? ordered : ordered.filter(({ key }) => compareKeys(key, after) > 0);
      const shown = rest.slice(0, query.limit);
      const last = shown.at(-1);
      return {
        points: shown.map((group) => toPoint(group, query)).filter(({ values }) => Object.keys(values).length > 0),
        ...(last && rest.length > shown.length && { cursor: toCursor(last.key) }),
      };
    },
  };
}

function toPoint({ key, count, numbers, distinct }: GrowingGroup, query: MetricsQuery): DataPoint {
  const [first] = key;
  const bucket = typeof first === 'number' ? first : undefined;
  const texts = bucket === undefined ? key : key.slice(1);
  return {
    ...(bucket !== undefined && { bucket }),
    dimensions: Object.fromEntries(query.dimensions.map((name, i) => [name, String(texts[i])])),
    values: aggregate({ count: query.metric === 'session_count' ? distinct.size : count, numbers }, query.aggregations),
  };
}

function compareKeys(a: GroupKey, b: GroupKey): number {
  for (const [i, x] of a.entries()) {
    const y = b[i] as typeof x;
    if (x !== y) return x < y ? -1 : 1;
  }
  return 0;
}

/** The cursor names the last group shown: groups that come up meanwhile shift nothing. */
function toCursor(after: GroupKey): string {
  return toPageToken(JSON.stringify({ after }));
}

function fromCursor(cursor: string, { intervalSeconds, dimensions }: MetricsQuery): GroupKey {
  const types = [...(intervalSeconds ? ['number'] : []), ...dimensions.map(() => 'string')];
  return fromPageToken(cursor, (json) => {
    const { after } = JSON.parse(json) as { after?: unknown };
    const isKey = Array.isArray(after) && after.length === types.length;
    return isKey && types.every((type, i) => typeof after[i] === type) ? (after as GroupKey) : undefined;
  });
}
