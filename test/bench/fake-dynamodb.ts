import { itemSize, type WireItem, type WireValue } from './item-size.ts';
import { type TableKeys, writeUnits } from './write-units.ts';

/** What a call cost, in DynamoDB's units; reads are eventually or strongly consistent as asked. */
export interface Consumed {
  writeUnits: number;
  readUnits: number;
}

type Request = Record<string, unknown>;
type Operation = (request: Request) => unknown;

/**
 * As much of DynamoDB as the functions on the hot path call, over maps, without evaluating conditions other than the existence
 * that an INSERT asks for: the bench sends nothing twice. Every call adds what it would consume to `consumed`.
 */
export class FakeDynamoDB {
  readonly consumed: Consumed = { writeUnits: 0, readUnits: 0 };
  readonly #keys: ReadonlyMap<string, TableKeys>;
  readonly #tables = new Map<string, Map<string, Map<string, WireItem>>>();

  constructor(keys: ReadonlyMap<string, TableKeys>) {
    this.#keys = keys;
  }

  call(operation: string, request: Request): unknown {
    const run = this.#operations[operation];
    if (!run) throw new Error(`the fake has no DynamoDB ${operation}`);
    return run(request);
  }

  put(table: string, item: WireItem): void {
    this.#write(table, { key: item, after: item });
  }

  /** Drops the items with such partition keys, at no cost. */
  forget(isMeant: (partitionKey: string) => boolean): void {
    for (const table of this.#tables.values()) for (const pk of table.keys()) if (isMeant(pk)) table.delete(pk);
  }

  /** Size of the items with such partition keys. */
  bytes(isMeant: (partitionKey: string) => boolean): number {
    const items = [...this.#tables.values()].flatMap((table) =>
      [...table].filter(([pk]) => isMeant(pk)).flatMap(([, rows]) => [...rows.values()]),
    );
    return items.reduce((sum, item) => sum + itemSize(item), 0);
  }

  readonly #operations: Record<string, Operation> = {
    GetItem: ({ TableName, Key, ConsistentRead }) => {
      const item = this.#find(TableName as string, Key as WireItem);
      this.#read(item ? [item] : [], ConsistentRead);
      return item ? { Item: item } : {};
    },
    BatchGetItem: ({ RequestItems }) => {
      const Responses = Object.entries(
        RequestItems as Record<string, { Keys: WireItem[]; ConsistentRead?: boolean }>,
      ).map(([table, { Keys, ConsistentRead }]) => {
        const items = Keys.map((key) => this.#find(table, key)).filter((item) => item !== undefined);
        for (const item of items) this.#read([item], ConsistentRead);
        return [table, items] as const;
      });
      return { Responses: Object.fromEntries(Responses), UnprocessedKeys: {} };
    },
    Query: ({ TableName, ExpressionAttributeValues, ConsistentRead }) => {
      const values = ExpressionAttributeValues as Record<string, WireValue>;
      const pk = Object.values(values)[0] as { S: string };
      const Items = [
        ...(this.#table(TableName as string)
          .get(pk.S)
          ?.values() ?? []),
      ];
      this.#read(Items, ConsistentRead);
      return { Items, Count: Items.length };
    },
    PutItem: ({ TableName, Item }) => {
      this.put(TableName as string, Item as WireItem);
      return {};
    },
    UpdateItem: ({ TableName, Key, UpdateExpression, ExpressionAttributeValues }) => {
      const before = this.#find(TableName as string, Key as WireItem) ?? (Key as WireItem);
      const after = updated(before, UpdateExpression as string, (ExpressionAttributeValues ?? {}) as WireItem);
      this.#write(TableName as string, { key: after, after });
      return {};
    },
    BatchWriteItem: ({ RequestItems }) => {
      for (const [table, requests] of Object.entries(
        RequestItems as Record<string, { PutRequest: { Item: WireItem } }[]>,
      )) {
        for (const { PutRequest } of requests) this.put(table, PutRequest.Item);
      }
      return { UnprocessedItems: {} };
    },
    BatchExecuteStatement: ({ Statements }) => ({
      Responses: (Statements as { Statement: string; Parameters: WireValue[] }[]).map((statement) =>
        this.#insert(statement),
      ),
    }),
  };

  #insert({ Statement, Parameters }: { Statement: string; Parameters: WireValue[] }): unknown {
    const table = /INSERT INTO "([^"]+)"/.exec(Statement)?.[1] as string;
    const names = [...Statement.matchAll(/'([^']+)': \?/g)].map(([, name]) => name as string);
    const item = Object.fromEntries(names.map((name, i) => [name, Parameters[i] as WireValue]));
    if (this.#find(table, item))
      return { Error: { Code: 'DuplicateItem', Message: 'Duplicate primary key exists in table' } };
    this.put(table, item);
    return { TableName: table };
  }

  #write(table: string, { key, after }: { key: WireItem; after: WireItem }): void {
    const keys = this.#keys.get(table);
    if (!keys) throw new Error(`no table ${table}`);
    this.consumed.writeUnits += writeUnits({ before: this.#find(table, key), after }, keys);
    const [pk, sk] = [text(after[keys.partitionKey]), text(after[keys.sortKey])];
    const items = this.#table(table);
    if (!items.has(pk)) items.set(pk, new Map());
    items.get(pk)?.set(sk, after);
  }

  #read(items: readonly WireItem[], isConsistent: unknown): void {
    const bytes = items.reduce((sum, item) => sum + itemSize(item), 0);
    this.consumed.readUnits += Math.max(1, Math.ceil(bytes / 4096)) * (isConsistent ? 1 : 0.5);
  }

  #find(table: string, key: WireItem): WireItem | undefined {
    const keys = this.#keys.get(table);
    return keys && this.#table(table).get(text(key[keys.partitionKey]))?.get(text(key[keys.sortKey]));
  }

  #table(name: string): Map<string, Map<string, WireItem>> {
    const known = this.#tables.get(name);
    if (known) return known;
    const created = new Map<string, Map<string, WireItem>>();
    this.#tables.set(name, created);
    return created;
  }
}

function text(value: WireValue | undefined): string {
  if (value && 'S' in value) return value.S;
  throw new Error(`a key must be a string, got ${JSON.stringify(value)}`);
}

/** `SET a = :x, b = :y` and `REMOVE a, b`: the forms that the adapters use. */
function updated(item: WireItem, expression: string, values: WireItem): WireItem {
  const [, set = ''] = /SET (.*?)(?= REMOVE |$)/.exec(expression) ?? [];
  const [, remove = ''] = /REMOVE (.*)$/.exec(expression) ?? [];
  const assigned = set.split(',').flatMap((part) => {
    const [name, value] = part.split('=').map((side) => side.trim());
    const wire = value === undefined ? undefined : values[value];
    return name && wire ? [[name, wire] as const] : [];
  });
  const removed = new Set(remove.split(',').map((name) => name.trim()));
  return Object.fromEntries([...Object.entries(item), ...assigned].filter(([name]) => !removed.has(name)));
}
