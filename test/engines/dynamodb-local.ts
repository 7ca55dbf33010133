import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { localCredentials } from '../support/local-credentials.ts';
import { type Engine, installedEngine, startEngine } from './engine-process.ts';

/** Amazon's own DynamoDB, in memory. */
export async function startDynamoDBLocal(): Promise<Engine> {
  const lib = `${installedEngine('dynamodb-local')}/lib`;
  return startEngine((port) => ({ command: 'java', args: javaArguments(lib, port) }), listTables);
}

function javaArguments(lib: string, port: number): readonly string[] {
  const jvm = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', `-Djava.library.path=${lib}`];
  const main = 'software.amazon.dynamodb.services.local.main.ServerRunner';
  const options = ['-inMemory', '-sharedDb', '-disableTelemetry', '-port', String(port)];
  return [...jvm, '-cp', `${lib}/*`, main, ...options];
}

async function listTables(endpoint: string): Promise<void> {
  const client = new DynamoDBClient({ endpoint, ...localCredentials, maxAttempts: 1 });
  try {
    await client.send(new ListTablesCommand({}));
  } finally {
    client.destroy();
  }
}
