import { Duration, RemovalPolicies, RemovalPolicy, Size, Validations } from 'aws-cdk-lib';
import type { CfnTable } from 'aws-cdk-lib/aws-glue';
import {
  DeliveryStream,
  EnableLogging,
  OpenXJsonInputFormat,
  ParquetOutputFormat,
  S3Bucket,
  SchemaConfiguration,
  StreamEncryption,
} from 'aws-cdk-lib/aws-kinesisfirehose';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { exportName } from './grants.ts';
import type { TraceCatalog } from './trace-catalog.ts';
import type { ArchiveTable } from './views.ts';

export interface TraceArchiveProps {
  readonly archive: IBucket;
  readonly catalog: TraceCatalog;
}

/** Three streams that turn JSON rows into Parquet files under `<table>/dt=<date of arrival>/`. */
export class TraceArchive extends Construct {
  readonly streams: Readonly<Record<ArchiveTable, DeliveryStream>>;

  constructor(scope: Construct, id: string, { archive, catalog }: TraceArchiveProps) {
    super(scope, id);
    this.streams = {
      traces: this.#stream('traces', archive, catalog.tables.traces),
      spans: this.#stream('spans', archive, catalog.tables.spans),
      assessments: this.#stream('assessments', archive, catalog.tables.assessments),
    };
  }

  #stream(table: ArchiveTable, archive: IBucket, schema: CfnTable): DeliveryStream {
    const stream = new DeliveryStream(this, `Stream-${table}`, {
      encryption: StreamEncryption.awsOwnedKey(),
      destination: new S3Bucket(archive, {
        dataOutputPrefix: `${table}/dt=!{timestamp:yyyy-MM-dd}/`,
        errorOutputPrefix: `errors/${table}/!{firehose:error-output-type}/dt=!{timestamp:yyyy-MM-dd}/`,
        // Large files are what Athena reads fast; five minutes are what a user waits to find a trace in SQL.
        bufferingInterval: Duration.minutes(5),
        bufferingSize: Size.mebibytes(128),
        loggingConfig: new EnableLogging(this.#errorLog(table)),
        dataFormatConversion: {
          schemaConfiguration: SchemaConfiguration.fromCfnTable(schema),
          // Column names are lower case already; keys inside JSON must keep their case.
          inputFormat: new OpenXJsonInputFormat({ lowercaseColumnNames: false }),
          outputFormat: new ParquetOutputFormat(),
        },
      }),
    });
    acknowledgeFirehoseRole(stream, archive);
    return stream;
  }

  /** The library's own would stay for two years, and behind a stack that is deleted. */
  #errorLog(table: ArchiveTable): LogGroup {
    const logGroup = new LogGroup(this, `Errors-${table}`, {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    RemovalPolicies.of(logGroup).destroy();
    return logGroup;
  }
}

/** The library's construct gives Firehose the permissions that AWS's guide lists ("Grant Firehose access to an Amazon S3 destination"). */
function acknowledgeFirehoseRole(stream: DeliveryStream, archive: IBucket): void {
  const actions = ['Abort', 'DeleteObject', 'GetBucket', 'GetObject', 'List'].map((action) => `Action::s3:${action}*`);
  Validations.of(stream).acknowledge(
    ...[...actions, `Resource::${exportName(archive)}/*`].map((finding) => ({
      id: `AwsSolutions-IAM5[${finding}]`,
      reason: 'Firehose chooses the names of the files that it writes, and cleans up after failed uploads',
    })),
    { id: 'AwsSolutions-IAM5[Resource::*]', reason: 'Firehose reads schema versions, which have no ARN of their own' },
  );
}
