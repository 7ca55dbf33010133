import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AttributeValue,
  BatchGetItemCommand,
  BatchWriteItemCommand,
  type DynamoDBClient,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { chunk } from '../domain/chunk.ts';
import { UnprocessedError } from './is-transient.ts';
import { joinedCalls } from './joined-calls.ts';

export type Item = Record<string, AttributeValue>;

/** DynamoDB's limits (API reference, BatchWriteItem and BatchGetItem). */
const maxWrites = 25;
const maxReads = 100;
const attempts = 6;

/** Puts items that need no condition. What DynamoDB leaves unprocessed is tried again; what stays so makes the whole fail. */
export async function batchWrite(
  client: DynamoDBClient,
  { table, puts }: { table: string; puts: readonly Item[] },
): Promise<void> {
  const requests = distinct(puts).map((Item) => ({ PutRequest: { Item } }));
  await Promise.all(chunk(requests, maxWrites).map((batch) => writeChunk(client, { table, batch })));
}

/** Puts of which those that come while others are under way are made together. */
export function joinedPuts(client: DynamoDBClient, table: string): (puts: readonly Item[]) => Promise<unknown> {
  return joinedCalls(async (puts: readonly Item[]) => {
    await batchWrite(client, { table, puts });
    return [];
  });
}

/** Deletes items by key; one that is not there is no matter. */
export async function batchDelete(
  client: DynamoDBClient,
  { table, keys }: { table: string; keys: readonly Item[] },
): Promise<void> {
  const requests = distinct(keys).map((Key) => ({ DeleteRequest: { Key } }));
  await Promise.all(chunk(requests, maxWrites).map((batch) => writeChunk(client, { table, batch })));
}

async function writeChunk(
  client: DynamoDBClient,
  { table, batch }: { table: string; batch: readonly WriteRequest[] },
): Promise<void> {
  let requests = [...batch];
  for (let attempt = 1; requests.length > 0; attempt++) {
    if (attempt > attempts) throw new UnprocessedError(`table ${table} left ${requests.length} items unwritten`);
    if (attempt > 1) await sleep(50 * 2 ** attempt);
    const { UnprocessedItems } = await client.send(new BatchWriteItemCommand({ RequestItems: { [table]: requests } }));
    requests = UnprocessedItems?.[table] ?? [];
  }
}

/** A call may not name a key twice: of several puts of one key the last counts. */
function distinct(puts: readonly Item[]): readonly Item[] {
  return [...new Map(puts.map((item) => [`${item.pk?.S}\n${item.sk?.S}`, item])).values()];
}

/** The items that exist, in no particular order. */
export async function batchGet(
  client: DynamoDBClient,
  { table, keys, consistent }: { table: string; keys: readonly Item[]; consistent: boolean },
): Promise<readonly Item[]> {
  const chunks = await Promise.all(
    chunk(keys, maxReads).map((batch) => getChunk(client, { table, batch, consistent })),
  );
  return chunks.flat();
}

async function getChunk(
  client: DynamoDBClient,
  { table, batch, consistent }: { table: string; batch: readonly Item[]; consistent: boolean },
): Promise<readonly Item[]> {
  const found: Item[] = [];
  let keys = [...batch];
  for (let attempt = 1; keys.length > 0; attempt++) {
    if (attempt > attempts) throw new UnprocessedError(`table ${table} left ${keys.length} keys unread`);
    if (attempt > 1) await sleep(50 * 2 ** attempt);
    const RequestItems = { [table]: { Keys: keys, ConsistentRead: consistent } };
    const { Responses, UnprocessedKeys } = await client.send(new BatchGetItemCommand({ RequestItems }));
    found.push(...(Responses?.[table] ?? []));
    keys = UnprocessedKeys?.[table]?.Keys ?? [];
  }
  return found;
}
