import { Aws } from 'aws-cdk-lib';
import { CfnNamedQuery, type CfnWorkGroup } from 'aws-cdk-lib/aws-athena';
import { CfnDatabase, CfnTable } from 'aws-cdk-lib/aws-glue';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { partitionColumn } from '../../shared/contracts/archive-columns.ts';
import { queryWorkgroup } from './query-workgroup.ts';
import { type ArchiveTable, archiveTables, currentView, exampleQueries } from './views.ts';

export interface TraceCatalogProps {
  readonly archive: IBucket;
  readonly databaseName: string;
}

/** A query stops when it has scanned so much: 100 GB are half a dollar. */
const scanCutoffBytes = 100_000_000_000;

/** The archive as tables: Glue database, projected partitions, Athena workgroup and named queries. */
export class TraceCatalog extends Construct {
  readonly databaseName: string;
  readonly tables: Readonly<Record<ArchiveTable, CfnTable>>;
  readonly workgroup: CfnWorkGroup;

  constructor(scope: Construct, id: string, { archive, databaseName }: TraceCatalogProps) {
    super(scope, id);
    this.databaseName = databaseName;
    const database = new CfnDatabase(this, 'Database', {
      catalogId: Aws.ACCOUNT_ID,
      databaseInput: { name: databaseName, description: 'Traces, spans and assessments archived by Assay' },
    });
    this.tables = {
      traces: this.#table('traces', archive, database),
      spans: this.#table('spans', archive, database),
      assessments: this.#table('assessments', archive, database),
    };
    this.workgroup = queryWorkgroup(this, 'Workgroup', {
      name: databaseName,
      description: 'Queries over the Assay archive',
      scanCutoffBytes,
      outputLocation: `s3://${archive.bucketName}/athena-results/`,
    });
    this.#namedQueries();
  }

  #table(name: ArchiveTable, archive: IBucket, database: CfnDatabase): CfnTable {
    const location = `s3://${archive.bucketName}/${name}/`;
    const table = new CfnTable(this, `Table-${name}`, {
      catalogId: Aws.ACCOUNT_ID,
      databaseName: this.databaseName,
      tableInput: {
        name,
        tableType: 'EXTERNAL_TABLE',
        partitionKeys: [{ name: partitionColumn, type: 'string' }],
        parameters: {
          classification: 'parquet',
          EXTERNAL: 'TRUE',
          'projection.enabled': 'true',
          [`projection.${partitionColumn}.type`]: 'date',
          [`projection.${partitionColumn}.format`]: 'yyyy-MM-dd',
          [`projection.${partitionColumn}.range`]: '2026-01-01,NOW+1DAYS',
          [`projection.${partitionColumn}.interval`]: '1',
          [`projection.${partitionColumn}.interval.unit`]: 'DAYS',
          'storage.location.template': `${location}${partitionColumn}=\${${partitionColumn}}/`,
        },
        storageDescriptor: {
          columns: Object.entries(archiveTables[name]).map(([column, type]) => ({ name: column, type })),
          location,
          inputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
          outputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
          serdeInfo: { serializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' },
        },
      },
    });
    table.node.addDependency(database);
    return table;
  }

  /** Views are no CloudFormation resource; `assay init` runs the queries that create them. */
  #namedQueries(): void {
    const views = (Object.keys(archiveTables) as ArchiveTable[]).map(
      (table) => [`create-view-${table}-current`, currentView(this.databaseName, table)] as const,
    );
    for (const [name, queryString] of [...views, ...Object.entries(exampleQueries)]) {
      const query = new CfnNamedQuery(this, `Query-${name}`, {
        name,
        database: this.databaseName,
        workGroup: this.workgroup.name,
        queryString,
      });
      query.node.addDependency(this.workgroup);
    }
  }
}
