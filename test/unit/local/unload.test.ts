import { gunzipSync } from 'node:zlib';
import type { ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { athenaAccesses } from '../../../local/gateway/athena-accesses.ts';
import { parseUnload, type Unload, unload } from '../../../local/services/unload.ts';
import { openWarehouse, type Warehouse } from '../../../local/services/warehouse.ts';
import type { DeployedResource } from '../../../local/template/assembly.ts';

let warehouse: Warehouse;
beforeAll(async () => {
  warehouse = await openWarehouse(undefined);
});
afterAll(() => warehouse.close());

const text = (select: string, options: string) => `UNLOAD (${select})\nTO 's3://b/some/place/'\nWITH (${options})`;

function anS3(there: readonly string[] = []) {
  const written = new Map<string, string>();
  const send = async ({ input }: PutObjectCommand | ListObjectsV2Command) => {
    if (!('Body' in input)) return { Contents: there.map((Key) => ({ Key })) };
    written.set(`${input.Key}`, gunzipSync(input.Body as Buffer).toString());
    return {};
  };
  return { written, s3: { send } as unknown as S3Client };
}

const run = (query: string, s3: S3Client) =>
  unload(parseUnload(query) as Unload, { connection: warehouse.connection, s3 });
const json = "format = 'JSON', compression = 'gzip'";

/** Athena user guide, "UNLOAD". */
describe('UNLOAD', () => {
  it('writes gzipped lines into folders of its partition columns, which the lines leave out', async () => {
    const { written, s3 } = anS3();
    const select = "SELECT 'a' AS k, ARRAY['x', NULL] AS v, n % 2 AS p FROM range(3) AS t(n)";
    const files = await run(text(select, `${json}, partitioned_by = ARRAY['p']`), s3);
    expect(files).toEqual([...written.keys()].map((key) => `s3://b/${key}`));
    const lines = (folder: string) =>
      [...written].flatMap(([key, lined]) => (key.includes(folder) ? lined.trim().split('\n') : []));
    expect(lines('some/place/p=0/')).toEqual(Array(2).fill('{"k":"a","v":["x",null]}'));
    expect(lines('some/place/p=1/')).toEqual(['{"k":"a","v":["x",null]}']);
  });

  it('writes into nothing but an empty place', async () => {
    await expect(run(text('SELECT 1 AS a', json), anS3(['some/place/x']).s3)).rejects.toThrow(
      /HIVE_PATH_ALREADY_EXISTS/,
    );
  });

  it('has a hundred partitions at most, and their columns last', async () => {
    const many = text('SELECT n AS a, n AS p FROM range(101) AS t(n)', `${json}, partitioned_by = ARRAY['p']`);
    await expect(run(many, anS3().s3)).rejects.toThrow(/limit of 100/);
    const first = text('SELECT 1 AS p, 2 AS a', `${json}, partitioned_by = ARRAY['p']`);
    await expect(run(first, anS3().s3)).rejects.toThrow(/last/);
  });

  it.each([
    text('SELECT 1', "format = 'PARQUET'"),
    text('SELECT 1', `${json}, field_delimiter = ','`),
    "UNLOAD (SELECT 1) TO 's3://b/x/'",
  ])('that the local stack cannot run as Athena does is refused: %s', (query) => {
    expect(() => parseUnload(query)).toThrow(/SYNTAX_ERROR/);
  });

  it('is told from other statements', () => {
    expect(parseUnload("SELECT 'UNLOAD (x)'")).toBeUndefined();
  });
});

const resources = [
  {
    type: 'AWS::Athena::WorkGroup',
    ref: 'wg',
    properties: { WorkGroupConfiguration: { ResultConfiguration: { OutputLocation: 's3://store/results/' } } },
  },
  ...['spans', 'traces'].map((Name) => ({
    type: 'AWS::Glue::Table',
    ref: Name,
    properties: { DatabaseName: 'db', TableInput: { Name, StorageDescriptor: { Location: `s3://archive/${Name}/` } } },
  })),
] as unknown as readonly DeployedResource[];

describe('what a query of Athena does with the rights of its caller', () => {
  const accesses = (operation: string, input: object) =>
    athenaAccesses({
      operation,
      input: { ...input },
      resources,
      workgroupOf: (id) => (id === 'q1' ? 'wg' : undefined),
    }).map(({ action, resource }) => `${action} ${resource.replace(/^arn:aws:(\w+):[^:]*:\d*:/, '$1 ')}`);

  it('is reading the tables that it names and writing its results', () => {
    expect(
      accesses('StartQueryExecution', { WorkGroup: 'wg', QueryString: 'SELECT * FROM "db"."spans" AS s' }),
    ).toEqual([
      'athena:StartQueryExecution athena workgroup/wg',
      'glue:GetTable glue catalog',
      'glue:GetTable glue database/db',
      'glue:GetTable glue table/db/spans',
      's3:ListBucket s3 archive',
      's3:GetObject s3 archive/spans/file',
      's3:GetBucketLocation s3 store',
      's3:PutObject s3 store/results/file',
    ]);
  });

  it('is writing to the place of an UNLOAD, too', () => {
    const QueryString =
      "UNLOAD (SELECT 1 FROM traces JOIN spans ON true)\nTO 's3://other/place/'\nWITH (format = 'JSON')";
    const done = accesses('StartQueryExecution', { WorkGroup: 'wg', QueryString });
    expect(done).toContain('s3:PutObject s3 other/place/file');
    expect(done).toContain('s3:GetObject s3 archive/traces/file');
    expect(done).toContain('s3:GetObject s3 archive/spans/file');
  });

  it('is looked at in the workgroup in which it runs', () => {
    expect(accesses('GetQueryExecution', { QueryExecutionId: 'q1' })).toEqual([
      'athena:GetQueryExecution athena workgroup/wg',
    ]);
    expect(accesses('GetQueryResults', { QueryExecutionId: 'q1' })).toEqual([
      'athena:GetQueryResults athena workgroup/wg',
      's3:GetObject s3 store/results/file',
    ]);
  });
});
