import { type DynamoDBClient, paginateQuery } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';

/** Every item of a partition, or those whose sort key begins with `prefix`, in the order of their keys. */
export async function queryItems(
  client: DynamoDBClient,
  { table, pk, prefix, consistent }: { table: string; pk: string; prefix?: string; consistent: boolean },
): Promise<readonly Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  const pages = paginateQuery(
    { client },
    {
      TableName: table,
      KeyConditionExpression: prefix === undefined ? 'pk = :pk' : 'pk = :pk AND begins_with(sk, :prefix)',
      ExpressionAttributeValues: marshall({ ':pk': pk, ':prefix': prefix }, { removeUndefinedValues: true }),
      ConsistentRead: consistent,
    },
  );
  for await (const { Items = [] } of pages) for (const item of Items) found.push(unmarshall(item));
  return found;
}
