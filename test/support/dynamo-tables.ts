import { randomUUID } from 'node:crypto';
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  type DynamoDBClient,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { readConfig } from '../../infra/config.ts';
import { JudgeMemory } from '../../infra/constructs/judge-memory.ts';
import { RequestCounts } from '../../infra/constructs/request-counts.ts';
import { StorageStack } from '../../infra/stacks/storage-stack.ts';
import { testApp } from './test-app.ts';

/** Tables of a suite, with the client that reaches them. */
export interface Tables {
  readonly client: DynamoDBClient;
  /** Names. */
  readonly traces: string;
  readonly registry: string;
  readonly requestCounts: string;
  readonly judgeMemory: string;
}

type TableRole = Exclude<keyof Tables, 'client'>;
type TableDefinition = Pick<
  CreateTableCommandInput,
  'KeySchema' | 'AttributeDefinitions' | 'GlobalSecondaryIndexes' | 'LocalSecondaryIndexes'
>;

/** Creates the tables that the stack deploys, under names of their own: each suite has them to itself. */
export async function createTables(client: DynamoDBClient): Promise<Tables> {
  const definitions = synthesizedTables();
  const [traces, registry, requestCounts, judgeMemory] = await Promise.all([
    createTable(client, definitions.traces),
    createTable(client, definitions.registry),
    createTable(client, definitions.requestCounts),
    createTable(client, definitions.judgeMemory),
  ]);
  return { client, traces, registry, requestCounts, judgeMemory };
}

async function createTable(client: DynamoDBClient, definition: TableDefinition): Promise<string> {
  const TableName = `suite-${randomUUID()}`;
  await client.send(new CreateTableCommand({ ...definition, TableName, BillingMode: 'PAY_PER_REQUEST' }));
  await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1, maxDelay: 1 }, { TableName });
  return TableName;
}

let synthesized: Readonly<Record<TableRole, TableDefinition>> | undefined;

/** Keys and indexes as the templates say them. */
function synthesizedTables(): Readonly<Record<TableRole, TableDefinition>> {
  if (synthesized) return synthesized;
  const app = testApp();
  const stack = new StorageStack(app, 'Storage', { config: readConfig(app.node) });
  const counting = new Stack(app, 'Counting');
  const counts = new RequestCounts(counting, 'RequestCounts').table;
  const memory = new JudgeMemory(counting, 'JudgeMemory').table;
  const definition = (of: Stack, name: string) =>
    tableDefinition(
      Template.fromStack(of).toJSON() as Parameters<typeof tableDefinition>[0],
      of.resolve(name) as { Ref: string },
    );
  synthesized = {
    traces: definition(stack, stack.tables.traces.tableName),
    registry: definition(stack, stack.tables.registry.tableName),
    requestCounts: definition(counting, counts.tableName),
    judgeMemory: definition(counting, memory.tableName),
  };
  return synthesized;
}

/** `TableV2` becomes a global table, `Table` a table; both spell what is taken here alike. */
function tableDefinition(
  template: { Resources: Record<string, { Type: string; Properties: TableDefinition }> },
  { Ref }: { Ref: string },
): TableDefinition {
  const resource = template.Resources[Ref];
  if (resource === undefined || !['AWS::DynamoDB::GlobalTable', 'AWS::DynamoDB::Table'].includes(resource.Type))
    throw new Error(`resource ${Ref} is ${resource?.Type ?? 'absent'}, expected a DynamoDB table`);
  const { KeySchema, AttributeDefinitions, GlobalSecondaryIndexes, LocalSecondaryIndexes } = resource.Properties;
  return { KeySchema, AttributeDefinitions, GlobalSecondaryIndexes, LocalSecondaryIndexes };
}
