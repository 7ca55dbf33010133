import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { ListObjectsV2Command, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { DuckDBConnection } from '@duckdb/node-api';

/** Athena user guide, "UNLOAD": as much of it as the template uses. */
export interface Unload {
  readonly select: string;
  readonly bucket: string;
  /** Ends with `/`. */
  readonly prefix: string;
  readonly partitionedBy: readonly string[];
}

const maxPartitions = 100;
/** Athena writes side by side: rows that belong together do not stand together. */
const filesEach = 2;

/** Undefined where it is no UNLOAD. Throws on one that cannot be run here as Athena would. */
export function parseUnload(query: string): Unload | undefined {
  if (!/^\s*UNLOAD\b/i.test(query)) return undefined;
  const [, select, bucket, path, options] =
    /^\s*UNLOAD\s*\(([\s\S]*)\)\s*TO\s+'s3:\/\/([^/']+)\/([^']*)'\s*WITH\s*\(([^()]*)\)\s*$/i.exec(query) ?? [];
  if (select === undefined || bucket === undefined || path === undefined || options === undefined)
    throw new Error("SYNTAX_ERROR: the local Athena reads UNLOAD (…) TO 's3://…' WITH (…)");
  const given = Object.fromEntries(
    [...options.matchAll(/(\w+)\s*=\s*(ARRAY\s*\[[^\]]*\]|'[^']*')/gi)].map(([, name = '', value = '']) => [
      name.toLowerCase(),
      [...value.matchAll(/'([^']*)'/g)].map(([, text = '']) => text),
    ]),
  );
  const { format = [], compression = ['gzip'], partitioned_by: partitionedBy = [], ...others } = given;
  if (format[0]?.toUpperCase() !== 'JSON' || compression[0]?.toUpperCase() !== 'GZIP' || Object.keys(others).length > 0)
    throw new Error(`SYNTAX_ERROR: the local Athena unloads gzipped JSON, got ${options}`);
  return { select, bucket, prefix: path.endsWith('/') ? path : `${path}/`, partitionedBy };
}

/** Writes the rows, and answers the addresses of the files. */
export async function unload(
  { select, bucket, prefix, partitionedBy }: Unload,
  { connection, s3 }: { connection: DuckDBConnection; s3: S3Client },
): Promise<readonly string[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: 1 }));
  if (Contents.length > 0)
    throw new Error(`HIVE_PATH_ALREADY_EXISTS: Target directory s3://${bucket}/${prefix} already exists`);
  const reader = await connection.runAndReadAll(select);
  const names = reader.columnNames();
  const columns = names.slice(0, names.length - partitionedBy.length);
  if (names.slice(columns.length).join() !== partitionedBy.join())
    throw new Error('INVALID_ARGUMENT: partition columns must be the last ones of the SELECT');
  const rows = reader.getRowsJson();
  const folders = Map.groupBy(rows, (row) =>
    partitionedBy.map((name, i) => `${name}=${String(row[columns.length + i])}/`).join(''),
  );
  if (folders.size > maxPartitions)
    throw new Error(`HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of ${maxPartitions} open writers for partitions`);
  const files = [...folders].flatMap(([folder, group]) =>
    Array.from({ length: filesEach }, (_, n) => ({ folder, part: group.filter((__, i) => i % filesEach === n) })),
  );
  const written = files
    .filter(({ part }) => part.length > 0)
    .map(async ({ folder, part }) => {
      const key = `${prefix}${folder}${randomUUID()}.gz`;
      const lines = part.map(
        (row) => `${JSON.stringify(Object.fromEntries(columns.map((name, i) => [name, row[i]])))}\n`,
      );
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: gzipSync(lines.join('')) }));
      return `s3://${bucket}/${key}`;
    });
  return Promise.all(written);
}
