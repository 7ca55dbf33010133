import { itemSize, type WireItem } from './item-size.ts';

/** The keys of an index: an item stands in it when it has both. All of Assay's indexes project keys only. */
export interface IndexKeys {
  readonly name: string;
  readonly partitionKey: string;
  readonly sortKey: string;
}

export interface TableKeys {
  readonly partitionKey: string;
  /** Empty where a partition is one item. */
  readonly sortKey: string;
  readonly indexes: readonly IndexKeys[];
}

/**
 * Write units of replacing `before` (undefined: no item) by `after` (undefined: delete): one for each KB begun of the larger of
 * both in the table, and in each index one for an entry that appears, disappears or changes, two where its key changes.
 * Source: DynamoDB developer guide, "Provisioned throughput considerations for global secondary indexes".
 */
export function writeUnits(
  { before, after }: { before?: WireItem | undefined; after?: WireItem | undefined },
  table: TableKeys,
): number {
  const size = Math.max(before ? itemSize(before) : 0, after ? itemSize(after) : 0);
  return units(size) + table.indexes.reduce((sum, index) => sum + indexUnits({ before, after }, { table, index }), 0);
}

function indexUnits(
  { before, after }: { before?: WireItem | undefined; after?: WireItem | undefined },
  { table, index }: { table: TableKeys; index: IndexKeys },
): number {
  const [old, fresh] = [projected(before, table, index), projected(after, table, index)];
  if (!old && !fresh) return 0;
  if (!old || !fresh) return units(itemSize((old ?? fresh) as WireItem));
  return JSON.stringify(old) === JSON.stringify(fresh) ? 0 : units(itemSize(old)) + units(itemSize(fresh));
}

/** What an index holds of an item: keys, or nothing where it lacks one. */
export function projected(item: WireItem | undefined, table: TableKeys, index: IndexKeys): WireItem | undefined {
  const names = [index.partitionKey, index.sortKey, table.partitionKey, table.sortKey];
  const entries = names.flatMap((name) => {
    const value = item?.[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return entries.length === names.length ? Object.fromEntries(entries) : undefined;
}

function units(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / 1024));
}
