import type { DeployedResource } from '../template/assembly.ts';
import { athenaWorkgroup } from '../template/athena-workgroup.ts';
import { accountId, region } from '../template/physical-names.ts';
import type { Access } from './policy.ts';

interface AthenaCall {
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly resources: readonly DeployedResource[];
  readonly workgroupOf: (queryExecutionId: string) => string | undefined;
}

/**
 * What a call of Athena does, with the rights of who calls: in the workgroup, in the catalog, and with the files that a query reads and
 * writes. Source: Athena user guide, "Access to workgroups", "Access to databases and tables in the AWS Glue Data Catalog", "Access to
 * Amazon S3". Files count by the folder that they lie in.
 */
export function athenaAccesses({ operation, input, resources, workgroupOf }: AthenaCall): readonly Access[] {
  const workgroup = String(input.WorkGroup ?? workgroupOf(String(input.QueryExecutionId)) ?? 'primary');
  const own = { action: `athena:${operation}`, resource: arn('athena', `workgroup/${workgroup}`) };
  const results = athenaWorkgroup(workgroup, resources)?.results;
  if (operation === 'GetQueryResults') return [own, ...onFiles('s3:GetObject', results)];
  if (operation !== 'StartQueryExecution') return [own];
  const query = String(input.QueryString);
  const [, target] = /^\s*UNLOAD\b[\s\S]*\bTO\s+'(s3:\/\/[^']+)'/i.exec(query) ?? [];
  const written = [results, target].filter((location) => location !== undefined);
  return [
    own,
    ...tablesIn(query, resources).flatMap(ofTable),
    ...written.flatMap((location) => [
      ...onBucket('s3:GetBucketLocation', location),
      ...onFiles('s3:PutObject', location),
    ]),
    ...(target === undefined ? [] : onBucket('s3:ListBucket', target)),
  ];
}

interface QueriedTable {
  readonly database: string;
  readonly name: string;
  readonly location: string;
}

/** Those of the template that a query names. */
function tablesIn(query: string, resources: readonly DeployedResource[]): readonly QueriedTable[] {
  const tables = resources
    .filter(({ type }) => type === 'AWS::Glue::Table')
    .map(({ properties }) => {
      const { Name, StorageDescriptor } = properties.TableInput as {
        Name: string;
        StorageDescriptor: { Location: string };
      };
      return { database: String(properties.DatabaseName), name: Name, location: StorageDescriptor.Location };
    });
  return tables.filter(({ name }) =>
    new RegExp(`\\b(?:FROM|JOIN)\\s+(?:"?\\w+"?\\.)?"?${name}"?(?!\\w)`, 'i').test(query),
  );
}

function ofTable({ database, name, location }: QueriedTable): readonly Access[] {
  return [
    ...['catalog', `database/${database}`, `table/${database}/${name}`].map((resource) => ({
      action: 'glue:GetTable',
      resource: arn('glue', resource),
    })),
    ...onBucket('s3:ListBucket', location),
    ...onFiles('s3:GetObject', location),
  ];
}

function arn(service: string, resource: string): string {
  return `arn:aws:${service}:${region}:${accountId}:${resource}`;
}

function onBucket(action: string, location: string): readonly Access[] {
  return [{ action, resource: `arn:aws:s3:::${location.split('/')[2]}` }];
}

function onFiles(action: string, location: string | undefined): readonly Access[] {
  if (location === undefined) return [];
  const folder = location.slice('s3://'.length).replace(/\/?$/, '/');
  return [{ action, resource: `arn:aws:s3:::${folder}file` }];
}
