import { type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { RequestCounts } from '../domain/ports.ts';

/** A count is of use for one second; TTL deletes it some time later, at no cost. */
const keptSeconds = 60;

/** One item a key and second. A call that the SDK repeats may count twice: then fewer requests are served, never more. */
export function dynamoRequestCounts(client: DynamoDBClient, table: string): RequestCounts {
  return {
    async add({ keyHash, second, requests }) {
      const { Attributes } = await client.send(
        new UpdateItemCommand({
          TableName: table,
          Key: marshall({ pk: `${keyHash}#${second}` }),
          UpdateExpression: 'SET expiresAt = :expiresAt ADD requests :requests',
          ExpressionAttributeValues: marshall({ ':requests': requests, ':expiresAt': second + keptSeconds }),
          ReturnValues: 'UPDATED_NEW',
        }),
      );
      return Number(Attributes?.requests?.N) - requests;
    },
  };
}
