import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  CreateTableCommand,
  DynamoDBClient,
  PutItemCommand,
  ResourceInUseException,
} from '@aws-sdk/client-dynamodb';
import type { InProcessService } from '../gateway/gateway.ts';
import type { DeployedResource } from '../template/assembly.ts';

interface DynaliteOptions {
  readonly path?: string;
  readonly createTableMs: number;
}

const dynalite = createRequire(import.meta.url)('dynalite') as (options: DynaliteOptions) => Server;

export interface LocalDynamoDB {
  readonly port: number;
  /** BatchExecuteStatement, which dynalite does not know, by gateway service name. */
  readonly translations: Readonly<Record<string, InProcessService>>;
  close(): Promise<void>;
}

interface TableProperties {
  readonly KeySchema: { AttributeName: string; KeyType: 'HASH' | 'RANGE' }[];
  readonly AttributeDefinitions: { AttributeName: string; AttributeType: 'S' | 'N' | 'B' }[];
  readonly GlobalSecondaryIndexes?: {
    IndexName: string;
    KeySchema: TableProperties['KeySchema'];
    Projection: { ProjectionType: 'KEYS_ONLY' };
  }[];
}

/** The template's tables on dynalite. */
export async function startDynamoDB(
  tables: readonly DeployedResource[],
  { path }: { path?: string | undefined },
): Promise<LocalDynamoDB> {
  const server = dynalite({ ...(path !== undefined && { path }), createTableMs: 0 });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.address() as { port: number };
  const client = new DynamoDBClient({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  await Promise.all(tables.map((table) => createTable(client, table)));
  return {
    port,
    translations: { 'dynamodb.BatchExecuteStatement': (_, input) => executeStatements(client, input) },
    close: async () => {
      client.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function createTable(client: DynamoDBClient, { ref, properties }: DeployedResource): Promise<void> {
  const { KeySchema, AttributeDefinitions, GlobalSecondaryIndexes } = properties as unknown as TableProperties;
  const indexes = GlobalSecondaryIndexes?.map(({ IndexName, KeySchema: keys, Projection }) => ({
    IndexName,
    KeySchema: keys,
    Projection,
  }));
  try {
    await client.send(
      new CreateTableCommand({
        TableName: ref,
        KeySchema,
        AttributeDefinitions,
        BillingMode: 'PAY_PER_REQUEST',
        ...(indexes && { GlobalSecondaryIndexes: indexes }),
      }),
    );
  } catch (error) {
    // Kept from an earlier run.
    if (!(error instanceof ResourceInUseException)) throw error;
  }
}

interface BatchStatement {
  readonly Statement: string;
  readonly Parameters?: AttributeValue[];
}

/** Up to 25 INSERTs, each by itself: PartiQL's insert is a put on the condition that there is no item with the key. */
async function executeStatements(client: DynamoDBClient, input: Readonly<Record<string, unknown>>): Promise<unknown> {
  const statements = input.Statements as BatchStatement[];
  if (statements.length > 25)
    return {
      Responses: statements.map(() => ({ Error: { Code: 'ValidationError', Message: 'at most 25 statements' } })),
    };
  return { Responses: await Promise.all(statements.map((statement) => insert(client, statement))) };
}

async function insert(client: DynamoDBClient, { Statement, Parameters = [] }: BatchStatement): Promise<unknown> {
  const [, table, members] = /^\s*INSERT\s+INTO\s+"([^"]+)"\s+VALUE\s+\{(.*)\}\s*$/is.exec(Statement) ?? [];
  const names = [...(members ?? '').matchAll(/'([^']+)'\s*:\s*\?/g)].map(([, name]) => name as string);
  if (table === undefined || names.length !== Parameters.length) {
    return {
      Error: {
        Code: 'ValidationError',
        Message: `the local stack knows INSERT INTO "table" VALUE {'name': ?, …} only, got ${Statement}`,
      },
    };
  }
  const Item = Object.fromEntries(names.map((name, i) => [name, Parameters[i] as AttributeValue]));
  try {
    await client.send(new PutItemCommand({ TableName: table, Item, ConditionExpression: 'attribute_not_exists(pk)' }));
    return { TableName: table };
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) {
      return { Error: { Code: 'DuplicateItem', Message: 'Duplicate primary key exists in table' }, TableName: table };
    }
    return {
      Error: { Code: 'ValidationError', Message: error instanceof Error ? error.message : String(error) },
      TableName: table,
    };
  }
}
