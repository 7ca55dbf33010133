import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';

/** DuckDB stands in for Athena's engine and for Firehose's Parquet writer. */
export interface Warehouse {
  readonly connection: DuckDBConnection;
  close(): void;
}

/**
 * Functions that Trino has and DuckDB calls otherwise. What passes here is not proved to pass on Athena: the strict tier and a real
 * account are for that.
 */
const macros = [
  // NULL for what is no JSON and for what is no scalar.
  "json_extract_scalar(document, path) AS CASE WHEN json_valid(document) AND json_type(document, path) NOT IN ('OBJECT', 'ARRAY') THEN json_extract_string(document, path) END",
  'approx_distinct(x) AS approx_count_distinct(x)',
  'approx_percentile(x, share) AS approx_quantile(x, share)',
  'from_unixtime(seconds) AS to_timestamp(seconds)',
  'from_iso8601_timestamp(text) AS CAST(text AS TIMESTAMPTZ)',
  // MySQL's letters, of which a few mean something else in DuckDB.
  "date_format(moment, format) AS strftime(moment, replace(replace(replace(replace(replace(replace(format, '%M', '%B'), '%i', '%M'), '%s', '%S'), '%h', '%I'), '%W', '%A'), '%T', '%H:%M:%S'))",
  'element_at(container, key) AS container[key]',
  'cardinality(container) AS len(container)',
  'regexp_like(text, pattern) AS regexp_matches(text, pattern)',
  'date_add(unit, count, moment) AS moment + CAST(count AS BIGINT) * CAST(concat(1, unit) AS INTERVAL)',
  'to_utf8(text) AS encode(text)',
  'to_unixtime(moment) AS epoch(moment)',
  "from_base(digits, radix) AS CASE WHEN radix = 16 THEN CAST(concat('0x', digits) AS BIGINT) ELSE error('only base 16') END",
  // Of bytes, and as bytes.
  'sha256(bytes) AS unhex(system.main.sha256(CAST(bytes AS BLOB)))',
  'array_join(list, separator) AS array_to_string(list, separator)',
];

export async function openWarehouse(path: string | undefined): Promise<Warehouse> {
  if (path !== undefined) mkdirSync(dirname(path), { recursive: true });
  const instance = await DuckDBInstance.create(path ?? ':memory:', { threads: '2' });
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  for (const macro of macros) await connection.run(`CREATE OR REPLACE MACRO ${macro}`);
  return {
    connection,
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** A column of a Glue table as DuckDB types it. */
export function duckdbType(glueType: string): string {
  const type = duckdbTypes[glueType];
  if (type === undefined) throw new Error(`the local stack does not know the Glue type ${glueType}`);
  return type;
}

const duckdbTypes: Readonly<Record<string, string>> = {
  string: 'VARCHAR',
  bigint: 'BIGINT',
  int: 'INTEGER',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  timestamp: 'TIMESTAMP',
  'array<string>': 'VARCHAR[]',
};

/** A text as an SQL literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export interface GlueTable {
  readonly database: string;
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** `s3://bucket/prefix/`. */
  readonly location: string;
}

/** The template's `AWS::Glue::Table`s. */
export function glueTables(
  resources: readonly { type: string; properties: Readonly<Record<string, unknown>> }[],
): readonly GlueTable[] {
  return resources
    .filter(({ type }) => type === 'AWS::Glue::Table')
    .map(({ properties }) => {
      const input = properties.TableInput as {
        Name: string;
        StorageDescriptor: { Columns: { Name: string; Type: string }[]; Location: string };
      };
      const columns = input.StorageDescriptor.Columns.map(({ Name, Type }) => ({ name: Name, type: Type }));
      return {
        database: String(properties.DatabaseName),
        name: input.Name,
        columns,
        location: input.StorageDescriptor.Location,
      };
    });
}
