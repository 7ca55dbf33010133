import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import * as awsClients from '../../../shared/adapters/aws-clients.ts';

describe('the clients of the AWS SDK', () => {
  beforeAll(() => {
    vi.stubEnv('AWS_REGION', 'us-east-1');
  });

  const middlewareOf = (client: { middlewareStack: { identify(): string[] } }) =>
    client.middlewareStack.identify().map((name) => name.split(' ')[0]);

  it.each(Object.entries(awsClients))('%s copies nothing for a log that nobody keeps', async (_, create) => {
    expect(middlewareOf(new DynamoDBClient({})), 'as the SDK names it').toContain('loggerMiddleware');
    expect(middlewareOf(await create())).not.toContain('loggerMiddleware');
  });
});
