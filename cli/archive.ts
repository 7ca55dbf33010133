import { setTimeout as delay } from 'node:timers/promises';
import {
  AthenaClient,
  type AthenaClientConfig,
  BatchGetNamedQueryCommand,
  GetQueryExecutionCommand,
  ListNamedQueriesCommand,
  paginateGetQueryResults,
  type Row,
  StartQueryExecutionCommand,
} from '@aws-sdk/client-athena';
import { UsageError } from './usage-error.ts';

const pollMs = 100;

/** A result as Athena gives it: everything is text, and null is absent. */
export interface QueryResult {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | undefined)[])[];
}

/** Where the archive is. */
export interface ArchiveConnection {
  readonly client: AthenaClientConfig;
  readonly workgroup: string;
  readonly database: string;
}

/** The Parquet archive through Athena's API. */
export interface Archive {
  query(sql: string): Promise<QueryResult>;
  /** The SQL of a query that was deployed with the workgroup. */
  storedQuery(name: string): string;
  /** Creates the views, which are stored as queries: CloudFormation has no resource for them. */
  createViews(): Promise<void>;
  close(): void;
}

export async function openArchive(aws: ArchiveConnection): Promise<Archive> {
  const client = new AthenaClient(aws.client);
  const stored = await listStoredQueries(client, aws.workgroup);
  const query = (sql: string) => runQuery(client, sql, aws);
  return {
    query,
    storedQuery(name) {
      const sql = stored.get(name);
      if (sql === undefined) throw new Error(`workgroup ${aws.workgroup} has no query named ${name}`);
      return sql;
    },
    async createViews() {
      for (const sql of stored.values()) if (sql.startsWith('CREATE OR REPLACE VIEW')) await query(sql);
    },
    close: () => client.destroy(),
  };
}

async function listStoredQueries(client: AthenaClient, workgroup: string): Promise<ReadonlyMap<string, string>> {
  const { NamedQueryIds = [] } = await client.send(new ListNamedQueriesCommand({ WorkGroup: workgroup }));
  if (NamedQueryIds.length === 0) throw new UsageError(`workgroup ${workgroup} has no stored queries`);
  const { NamedQueries = [] } = await client.send(new BatchGetNamedQueryCommand({ NamedQueryIds }));
  return new Map(NamedQueries.map(({ Name = '', QueryString = '' }) => [Name, QueryString]));
}

async function runQuery(
  client: AthenaClient,
  sql: string,
  { workgroup, database }: ArchiveConnection,
): Promise<QueryResult> {
  const { QueryExecutionId } = await client.send(
    new StartQueryExecutionCommand({
      QueryString: sql,
      WorkGroup: workgroup,
      QueryExecutionContext: { Database: database },
    }),
  );
  await untilDone(client, { QueryExecutionId, sql });
  const rows: (string | undefined)[][] = [];
  let columns: readonly string[] = [];
  for await (const { ResultSet } of paginateGetQueryResults({ client }, { QueryExecutionId })) {
    rows.push(...(ResultSet?.Rows ?? []).map(valuesOf));
    columns = (ResultSet?.ResultSetMetadata?.ColumnInfo ?? []).map(({ Name = '' }) => Name);
  }
  // Of a SELECT the first row repeats the names of the columns; SHOW and DESCRIBE begin with what they found.
  const hasHeader = columns.every((column, i) => rows[0]?.[i] === column);
  return { columns, rows: hasHeader ? rows.slice(1) : rows };
}

async function untilDone(
  client: AthenaClient,
  { sql, ...id }: { QueryExecutionId?: string; sql: string },
): Promise<void> {
  for (;;) {
    const { QueryExecution } = await client.send(
      new GetQueryExecutionCommand({ QueryExecutionId: id.QueryExecutionId }),
    );
    const { State, StateChangeReason } = QueryExecution?.Status ?? {};
    if (State === 'SUCCEEDED') return;
    if (State === 'FAILED' || State === 'CANCELLED')
      throw new Error(`query ${State.toLowerCase()}: ${StateChangeReason}\n${sql}`);
    await delay(pollMs);
  }
}

function valuesOf({ Data = [] }: Row): (string | undefined)[] {
  return Data.map(({ VarCharValue }) => VarCharValue);
}
