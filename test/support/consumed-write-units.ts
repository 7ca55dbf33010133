import {
  type AttributeValue,
  type ConsumedCapacity,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';

/** Write units by where they were spent: `table`, or the name of an index. */
export type WriteUnits = Readonly<Record<string, number>>;

type Item = Record<string, AttributeValue>;

/** Puts the item, whatever was there, and says what that consumed. */
export async function unitsOfPut(client: DynamoDBClient, table: string, item: Item): Promise<WriteUnits> {
  const command = new PutItemCommand({ TableName: table, Item: item, ReturnConsumedCapacity: 'INDEXES' });
  return toWriteUnits((await client.send(command)).ConsumedCapacity);
}

/** Deletes the item of the key and says what that consumed. */
export async function unitsOfDelete(client: DynamoDBClient, table: string, key: Item): Promise<WriteUnits> {
  const command = new DeleteItemCommand({ TableName: table, Key: key, ReturnConsumedCapacity: 'INDEXES' });
  return toWriteUnits((await client.send(command)).ConsumedCapacity);
}

/**
 * What it consumed to insert the item that the key names, by inserting it once more: DynamoDB Local says nothing of the capacity
 * that PartiQL statements consume, and AWS bills an INSERT as the put it is (DynamoDB developer guide, "PartiQL for DynamoDB").
 */
export async function unitsOfInsert(client: DynamoDBClient, table: string, key: Item): Promise<WriteUnits> {
  const { Item } = await client.send(new GetItemCommand({ TableName: table, Key: key, ConsistentRead: true }));
  if (Item === undefined) throw new Error(`table ${table} has no item ${JSON.stringify(key)}`);
  await client.send(new DeleteItemCommand({ TableName: table, Key: key }));
  return unitsOfPut(client, table, Item);
}

function toWriteUnits(consumed: ConsumedCapacity | undefined): WriteUnits {
  if (consumed?.Table?.CapacityUnits === undefined) throw new Error('the engine does not say what a write consumed');
  const indexes = Object.entries(consumed.GlobalSecondaryIndexes ?? {});
  return {
    table: consumed.Table.CapacityUnits,
    ...Object.fromEntries(indexes.map(([name, { CapacityUnits = 0 }]) => [name, CapacityUnits])),
  };
}

export function totalOf(units: WriteUnits): number {
  return Object.values(units).reduce((sum, more) => sum + more, 0);
}
