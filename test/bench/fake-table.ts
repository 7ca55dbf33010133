import type { WireItem, WireValue } from './item-size.ts';
import { SortedPartitions, type SortRange, type SortValue } from './sorted-partitions.ts';
import { type IndexKeys, projected, type TableKeys } from './write-units.ts';

interface Wanted extends SortRange {
  /** Absent: the table itself. */
  readonly index?: string | undefined;
  readonly partition: string;
}

/** Items of one table, and the keys of those that stand in its indexes. */
export class FakeTable {
  readonly keys: TableKeys;
  readonly #items = new SortedPartitions<WireItem>();
  readonly #indexes: ReadonlyMap<string, { keys: IndexKeys; entries: SortedPartitions<WireItem> }>;

  constructor(keys: TableKeys) {
    this.keys = keys;
    this.#indexes = new Map(keys.indexes.map((each) => [each.name, { keys: each, entries: new SortedPartitions() }]));
  }

  find(key: WireItem): WireItem | undefined {
    return this.#items.get(text(key[this.keys.partitionKey]), this.#sortOf(key));
  }

  put(item: WireItem): void {
    const before = this.find(item);
    const sort = this.#sortOf(item);
    this.#items.set(text(item[this.keys.partitionKey]), { sort, id: sort, item });
    this.#reindex({ before, after: item });
  }

  delete(key: WireItem): void {
    this.#reindex({ before: this.find(key) });
    this.#items.delete(text(key[this.keys.partitionKey]), this.#sortOf(key));
  }

  range({ index, partition, ...range }: Wanted): readonly WireItem[] {
    const entries = index === undefined ? this.#items : this.#indexes.get(index)?.entries;
    if (!entries) throw new Error(`no index ${index}`);
    return entries.range(partition, range);
  }

  items(isMeant: (partitionKey: string) => boolean): readonly WireItem[] {
    return [...this.#items.all()].filter((item) => isMeant(text(item[this.keys.partitionKey])));
  }

  #reindex({ before, after }: { before?: WireItem | undefined; after?: WireItem }): void {
    for (const { keys, entries } of this.#indexes.values()) {
      const old = projected(before, this.keys, keys);
      const fresh = projected(after, this.keys, keys);
      if (old) entries.delete(text(old[keys.partitionKey]), this.#idOf(old));
      if (fresh)
        entries.set(text(fresh[keys.partitionKey]), {
          sort: sortValue(fresh[keys.sortKey]),
          id: this.#idOf(fresh),
          item: fresh,
        });
    }
  }

  #idOf(item: WireItem): string {
    return `${text(item[this.keys.partitionKey])}\n${this.#sortOf(item)}`;
  }

  #sortOf(item: WireItem): string {
    return this.keys.sortKey === '' ? '' : text(item[this.keys.sortKey]);
  }
}

function text(value: WireValue | undefined): string {
  if (value && 'S' in value) return value.S;
  throw new Error(`a key must be a string, got ${JSON.stringify(value)}`);
}

export function sortValue(value: WireValue | undefined): SortValue {
  return value && 'N' in value ? Number(value.N) : text(value);
}
