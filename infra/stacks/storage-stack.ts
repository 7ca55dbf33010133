import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { StageConfig } from '../config.ts';
import { JudgeSecrets } from '../constructs/judge-secrets.ts';
import { TraceBuckets } from '../constructs/trace-buckets.ts';
import { TraceCatalog } from '../constructs/trace-catalog.ts';
import { TraceTables } from '../constructs/trace-tables.ts';

export interface StorageStackProps extends StackProps {
  readonly config: StageConfig;
}

/** What must not be lost: tables, buckets, the catalog over the archive, and the judges' keys. */
export class StorageStack extends Stack {
  readonly tables: TraceTables;
  readonly buckets: TraceBuckets;
  readonly catalog: TraceCatalog;
  readonly judges: JudgeSecrets;

  constructor(scope: Construct, id: string, { config, ...props }: StorageStackProps) {
    super(scope, id, {
      description: 'Assay: traces, assessments and their archive',
      terminationProtection: !config.ephemeral,
      ...props,
    });
    this.tables = new TraceTables(this, 'Tables', config);
    this.buckets = new TraceBuckets(this, 'Buckets', config);
    this.catalog = new TraceCatalog(this, 'Catalog', {
      archive: this.buckets.archive,
      databaseName: config.name.toLowerCase(),
    });
    this.judges = new JudgeSecrets(this, 'Judges', config);
    this.#outputs({
      TracesTable: this.tables.traces.tableName,
      RegistryTable: this.tables.registry.tableName,
      TraceStoreBucket: this.buckets.traceStore.bucketName,
      ArchiveBucket: this.buckets.archive.bucketName,
      Database: this.catalog.databaseName,
      Workgroup: this.catalog.workgroup.name,
    });
  }

  #outputs(values: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(values)) new CfnOutput(this, name, { value });
  }
}
