/** A sort key's value. */
export type SortValue = string | number;

export interface Row<T> {
  readonly sort: SortValue;
  /** Tells rows of one sort value apart, and orders them. */
  readonly id: string;
  readonly item: T;
}

/** Sort values between the two, inclusive. */
export interface SortRange {
  readonly from?: SortValue | undefined;
  readonly to?: SortValue | undefined;
}

interface Partition<T> {
  readonly rows: Map<string, Row<T>>;
  /** Absent after a write, until somebody asks. */
  sorted?: readonly Row<T>[] | undefined;
}

/** What a table or an index holds: rows by partition, in the order of their sort keys. */
export class SortedPartitions<T> {
  readonly #partitions = new Map<string, Partition<T>>();

  get(partition: string, id: string): T | undefined {
    return this.#partitions.get(partition)?.rows.get(id)?.item;
  }

  set(partition: string, row: Row<T>): void {
    const known: Partition<T> = this.#partitions.get(partition) ?? { rows: new Map() };
    known.rows.set(row.id, row);
    known.sorted = undefined;
    this.#partitions.set(partition, known);
  }

  delete(partition: string, id: string): void {
    const known = this.#partitions.get(partition);
    if (!known?.rows.delete(id)) return;
    known.sorted = undefined;
    if (known.rows.size === 0) this.#partitions.delete(partition);
  }

  range(partition: string, { from, to }: SortRange): readonly T[] {
    const known = this.#partitions.get(partition);
    if (!known) return [];
    known.sorted ??= [...known.rows.values()].toSorted(bySort);
    const rows = known.sorted;
    const start = from === undefined ? 0 : countOf(rows, ({ sort }) => sort < from);
    const end = to === undefined ? rows.length : countOf(rows, ({ sort }) => sort <= to);
    return rows.slice(start, end).map(({ item }) => item);
  }

  *all(): Iterable<T> {
    for (const { rows } of this.#partitions.values()) for (const { item } of rows.values()) yield item;
  }
}

function bySort(a: Row<unknown>, b: Row<unknown>): number {
  if (a.sort === b.sort) return a.id < b.id ? -1 : 1;
  return a.sort < b.sort ? -1 : 1;
}

/** How many rows from the first on have what only the first ones have, by bisection. */
function countOf<T>(rows: readonly Row<T>[], has: (row: Row<T>) => boolean): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (has(rows[middle] as Row<T>)) low = middle + 1;
    else high = middle;
  }
  return low;
}
