import { keyCondition, updated } from './expressions.ts';
import { FakeTable } from './fake-table.ts';
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
 * As much of DynamoDB as the measured functions call, over maps, without evaluating conditions other than the existence
 * that an INSERT asks for: the bench sends nothing twice. Every call adds what it would consume to `consumed`.
 */
export class FakeDynamoDB {
  readonly consumed: Consumed = { writeUnits: 0, readUnits: 0 };
  readonly #tables: ReadonlyMap<string, FakeTable>;

  constructor(keys: ReadonlyMap<string, TableKeys>) {
    this.#tables = new Map([...keys].map(([name, each]) => [name, new FakeTable(each)]));
  }

  call(operation: string, request: Request): unknown {
    const run = this.#operations[operation];
    if (!run) throw new Error(`the fake has no DynamoDB ${operation}`);
    return run(request);
  }

  put(table: string, item: WireItem): void {
    const known = this.#table(table);
    this.consumed.writeUnits += writeUnits({ before: known.find(item), after: item }, known.keys);
    known.put(item);
  }

  /** Drops the items with such partition keys, at no cost. */
  forget(isMeant: (partitionKey: string) => boolean): void {
    for (const table of this.#tables.values()) for (const item of table.items(isMeant)) table.delete(item);
  }

  /** The items with such partition keys, of all tables. */
  items(isMeant: (partitionKey: string) => boolean): readonly WireItem[] {
    return [...this.#tables.values()].flatMap((table) => table.items(isMeant));
  }

  /** Size of the items with such partition keys. */
  bytes(isMeant: (partitionKey: string) => boolean): number {
    return this.items(isMeant).reduce((sum, item) => sum + itemSize(item), 0);
  }

  readonly #operations: Record<string, Operation> = {
    GetItem: ({ TableName, Key, ConsistentRead }) => {
      const item = this.#table(TableName as string).find(Key as WireItem);
      this.#read(item ? [item] : [], ConsistentRead);
      return item ? { Item: item } : {};
    },
    BatchGetItem: ({ RequestItems }) => {
      const Responses = Object.entries(
        RequestItems as Record<string, { Keys: WireItem[]; ConsistentRead?: boolean }>,
      ).map(([table, { Keys, ConsistentRead }]) => {
        const items = Keys.map((key) => this.#table(table).find(key)).filter((item) => item !== undefined);
        for (const item of items) this.#read([item], ConsistentRead);
        return [table, items] as const;
      });
      return { Responses: Object.fromEntries(Responses), UnprocessedKeys: {} };
    },
    Query: (request) => {
      const { TableName, IndexName, KeyConditionExpression, ScanIndexForward = true, Limit, ConsistentRead } = request;
      if (request.FilterExpression || request.ExclusiveStartKey)
        throw new Error('the fake knows no filters and no pages');
      const index = IndexName as string | undefined;
      const wanted = keyCondition(KeyConditionExpression as string, request.ExpressionAttributeValues as WireItem);
      const found = this.#table(TableName as string).range({ index, ...wanted });
      const Items = (ScanIndexForward ? found : found.toReversed()).slice(
        0,
        (Limit as number | undefined) ?? found.length,
      );
      this.#read(Items, ConsistentRead);
      // DynamoDB does not look whether there is anything behind the last that it was asked for.
      return { Items, Count: Items.length, ...(Items.length === Limit && { LastEvaluatedKey: Items.at(-1) }) };
    },
    PutItem: ({ TableName, Item }) => {
      this.put(TableName as string, Item as WireItem);
      return {};
    },
    UpdateItem: ({ TableName, Key, UpdateExpression, ExpressionAttributeNames, ExpressionAttributeValues }) => {
      const table = TableName as string;
      const before = this.#table(table).find(Key as WireItem) ?? (Key as WireItem);
      const names = ExpressionAttributeNames as Record<string, string> | undefined;
      const values = ExpressionAttributeValues as WireItem | undefined;
      this.put(table, updated(before, UpdateExpression as string, { names, values }));
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
    if (this.#table(table).find(item))
      return { Error: { Code: 'DuplicateItem', Message: 'Duplicate primary key exists in table' } };
    this.put(table, item);
    return { TableName: table };
  }

  #read(items: readonly WireItem[], isConsistent: unknown): void {
    const bytes = items.reduce((sum, item) => sum + itemSize(item), 0);
    this.consumed.readUnits += Math.max(1, Math.ceil(bytes / 4096)) * (isConsistent ? 1 : 0.5);
  }

  #table(name: string): FakeTable {
    const table = this.#tables.get(name);
    if (!table) throw new Error(`no table ${name}`);
    return table;
  }
}
