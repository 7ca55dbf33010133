import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll } from 'vitest';
import { startDynalite } from './dynalite-endpoint.ts';
import { createTables, type Tables } from './dynamo-tables.ts';
import { localCredentials } from './local-credentials.ts';

/** Tables for all tests of a file, on a dynalite of their own; there from the first test on. */
export function dynaliteTables(): () => Tables {
  let engine: Awaited<ReturnType<typeof startDynalite>>;
  let tables: Tables;
  beforeAll(async () => {
    engine = await startDynalite();
    tables = await createTables(new DynamoDBClient({ endpoint: engine.endpoint, ...localCredentials }));
  }, 60_000);
  afterAll(async () => {
    tables.client.destroy();
    await engine.stop();
  });
  return () => tables;
}
