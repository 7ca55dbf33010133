import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { AwsError } from '../gateway/aws-error.ts';
import type { DeployedResource } from '../template/assembly.ts';
import { athenaWorkgroup } from '../template/athena-workgroup.ts';
import { parseUnload, type Unload, unload } from './unload.ts';
import { duckdbType, type GlueTable, literal, type Warehouse } from './warehouse.ts';

interface Execution {
  readonly id: string;
  readonly query: string;
  readonly database: string;
  readonly workgroup: string;
  /** Of the workgroup: `s3://…/`. */
  readonly results: string | undefined;
  manifest?: string;
  state: 'RUNNING' | 'SUCCEEDED' | 'FAILED';
  reason?: string;
  columns: readonly { name: string; type: string }[];
  rows: readonly (readonly (string | undefined)[])[];
}

interface NamedQuery {
  readonly NamedQueryId: string;
  readonly Name: string;
  readonly Database: string;
  readonly QueryString: string;
  readonly WorkGroup: string;
}

export interface AthenaOptions {
  readonly resources: readonly DeployedResource[];
  readonly tables: readonly GlueTable[];
  readonly warehouse: Warehouse;
  readonly s3: S3Client;
  readonly archiveFolder: string;
}

/** Service quotas: length of a query string. */
const maxQueryBytes = 262_144;

type Input = Readonly<Record<string, unknown>>;

/** The template's tables and named queries behind Athena's API, on DuckDB. */
export class Athena {
  readonly #options: AthenaOptions;
  readonly #executions = new Map<string, Execution>();
  readonly #named: readonly NamedQuery[];
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: AthenaOptions) {
    this.#options = options;
    this.#named = options.resources
      .filter(({ type }) => type === 'AWS::Athena::NamedQuery')
      .map(({ id, properties }) => ({
        NamedQueryId: id,
        Name: String(properties.Name),
        Database: String(properties.Database),
        QueryString: String(properties.QueryString),
        WorkGroup: String(properties.WorkGroup),
      }));
  }

  readonly service = async (operation: string, input: Input): Promise<unknown> => {
    const run = this.#operations[operation];
    if (!run) throw new AwsError('InvalidRequestException', `the local Athena has no ${operation}`);
    return run(input);
  };

  readonly #operations: Readonly<Record<string, (input: Input) => unknown>> = {
    StartQueryExecution: (input) => this.#start(input),
    GetQueryExecution: ({ QueryExecutionId }) => {
      const { query, state, reason, workgroup, results, manifest } = this.#execution(QueryExecutionId);
      const Status = { State: state, ...(reason !== undefined && { StateChangeReason: reason }) };
      const Statistics = { DataScannedInBytes: 0, ...(manifest !== undefined && { DataManifestLocation: manifest }) };
      const ResultConfiguration = { OutputLocation: results && `${results}${String(QueryExecutionId)}.csv` };
      const about = { QueryExecutionId, Query: query, WorkGroup: workgroup, ResultConfiguration };
      return { QueryExecution: { ...about, Status, Statistics } };
    },
    GetQueryResults: (input) => this.#results(input),
    StopQueryExecution: () => ({}),
    ListNamedQueries: ({ WorkGroup }) => ({
      NamedQueryIds: this.#named.filter((query) => query.WorkGroup === WorkGroup).map((query) => query.NamedQueryId),
    }),
    GetNamedQuery: ({ NamedQueryId }) => ({
      NamedQuery: this.#named.find((query) => query.NamedQueryId === NamedQueryId),
    }),
    BatchGetNamedQuery: ({ NamedQueryIds }) => ({
      NamedQueries: this.#named.filter((query) => (NamedQueryIds as string[]).includes(query.NamedQueryId)),
    }),
  };

  #start({ QueryString, QueryExecutionContext, WorkGroup = 'primary' }: Input): unknown {
    const database = (QueryExecutionContext as { Database?: string } | undefined)?.Database ?? 'default';
    const [id, query, workgroup] = [randomUUID(), String(QueryString), String(WorkGroup)];
    if (Buffer.byteLength(query) > maxQueryBytes)
      throw new AwsError('InvalidRequestException', `a query of more than ${maxQueryBytes} bytes`);
    const results = this.#resultsOf(workgroup);
    const about = { id, query, database, workgroup, results };
    const execution: Execution = { ...about, state: 'RUNNING', columns: [], rows: [] };
    this.#executions.set(id, execution);
    // One connection: one query after the other.
    this.#last = this.#last.then(() => this.#run(execution));
    return { QueryExecutionId: id };
  }

  async #run(execution: Execution): Promise<void> {
    try {
      await this.#defineTables();
      const { connection } = this.#options.warehouse;
      await connection.run(`CREATE SCHEMA IF NOT EXISTS "${execution.database}"`);
      await connection.run(`SET schema = ${literal(execution.database)}`);
      const wanted = parseUnload(execution.query);
      if (wanted) {
        execution.manifest = await this.#unload(wanted, execution);
        execution.state = 'SUCCEEDED';
        return;
      }
      const reader = await connection.runAndReadAll(execution.query);
      const types = reader.columnTypes();
      execution.columns = reader.columnNames().map((name, i) => ({ name, type: athenaType(String(types[i])) }));
      execution.rows = reader.getRowsJson().map((row) => row.map(asText));
      execution.state = 'SUCCEEDED';
    } catch (error) {
      execution.reason = error instanceof Error ? error.message : String(error);
      execution.state = 'FAILED';
    }
  }

  /** The files that were written stand in a manifest where the workgroup has its results: Athena user guide, "Data manifest file". */
  async #unload(wanted: Unload, { id, results }: Execution): Promise<string> {
    const { s3, warehouse } = this.#options;
    if (results === undefined) throw new Error('the workgroup has no place for results');
    const files = await unload(wanted, { connection: warehouse.connection, s3 });
    const [, Bucket, path = ''] = /^s3:\/\/([^/]+)\/(.*)$/.exec(results) ?? [];
    const Key = `${path}${id}-manifest.csv`;
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: files.map((file) => `${file}\n`).join('') }));
    return `s3://${Bucket}/${Key}`;
  }

  #resultsOf(workgroup: string): string | undefined {
    const found = athenaWorkgroup(workgroup, this.#options.resources);
    if (!found && workgroup !== 'primary')
      throw new AwsError('InvalidRequestException', `WorkGroup ${workgroup} is not found.`);
    return found?.results;
  }

  /** In which a query runs. */
  workgroupOf(queryExecutionId: string): string | undefined {
    return this.#executions.get(queryExecutionId)?.workgroup;
  }

  /** Files come and go: the tables are defined anew over those that are there. */
  async #defineTables(): Promise<void> {
    for (const { database, name, columns, location } of this.#options.tables) {
      const folder = join(this.#options.archiveFolder, location.slice('s3://'.length));
      await this.#options.warehouse.connection.run(`CREATE SCHEMA IF NOT EXISTS "${database}"`);
      const hasFiles =
        existsSync(folder) &&
        readdirSync(folder, { recursive: true }).some((file) => String(file).endsWith('.parquet'));
      const empty = columns.map((column) => `NULL::${duckdbType(column.type)} AS "${column.name}"`).join(', ');
      const select = hasFiles
        ? // A column that a file does not have is null in it.
          `SELECT ${empty}, NULL::VARCHAR AS dt WHERE false UNION ALL BY NAME SELECT * FROM read_parquet(${literal(join(folder, '**/*.parquet'))}, hive_partitioning = true, hive_types = {'dt': VARCHAR}, union_by_name = true)`
        : `SELECT ${empty}, NULL::VARCHAR AS dt WHERE false`;
      await this.#options.warehouse.connection.run(`CREATE OR REPLACE VIEW "${database}"."${name}" AS ${select}`);
    }
  }

  #results({ QueryExecutionId, NextToken, MaxResults = 1000 }: Input): unknown {
    const { state, columns, rows } = this.#execution(QueryExecutionId);
    if (state !== 'SUCCEEDED') throw new AwsError('InvalidRequestException', `query is in state ${state}`);
    // The first row of the first page holds the names.
    const all = columns.length > 0 ? [columns.map(({ name }) => name), ...rows] : [];
    const from = Number(NextToken ?? 0);
    const page = all.slice(from, from + Number(MaxResults));
    const next = from + page.length;
    return {
      ResultSet: {
        Rows: page.map((row) => ({ Data: row.map((value) => (value === undefined ? {} : { VarCharValue: value })) })),
        ResultSetMetadata: {
          ColumnInfo: columns.map(({ name, type }) => ({ Name: name, Label: name, Type: type, CatalogName: 'hive' })),
        },
      },
      ...(next < all.length && { NextToken: String(next) }),
    };
  }

  #execution(id: unknown): Execution {
    const execution = this.#executions.get(String(id));
    if (!execution) throw new AwsError('InvalidRequestException', `no query execution ${String(id)}`);
    return execution;
  }
}

function asText(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function athenaType(type: string): string {
  return type
    .toLowerCase()
    .replace(/^hugeint$/, 'bigint')
    .replace(/^timestamp.*$/, 'timestamp')
    .replace(/\[\]$/, ' array');
}
