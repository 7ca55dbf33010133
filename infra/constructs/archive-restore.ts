import { ArnFormat, Aws, Duration, Stack, Validations } from 'aws-cdk-lib';
import type { CfnWorkGroup } from 'aws-cdk-lib/aws-athena';
import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import {
  Choice,
  Condition,
  CustomState,
  type IChainable,
  Map as MapState,
  ProvideItems,
  type StateMachine,
  TaskInput,
  Wait,
  WaitTime,
} from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import type { RestoreTracesEnv } from '../../functions/restore-traces/env.ts';
import { failureOf } from './failure-of.ts';
import { exportName, grantObjects, grantTable } from './grants.ts';
import { patient } from './patient.ts';
import { queryWorkgroup } from './query-workgroup.ts';
import { ServiceFunction } from './service-function.ts';
import { unloadedPrefix } from './trace-buckets.ts';
import type { TraceCatalog } from './trace-catalog.ts';
import { archiveTables } from './views.ts';

export interface ArchiveRestoreProps {
  readonly traces: TableV2;
  readonly registry: TableV2;
  readonly traceStore: IBucket;
  readonly archiveBucket: IBucket;
  readonly catalog: TraceCatalog;
  readonly traceRetentionDays: number;
}

/** A terabyte is five dollars. A backfill that would read more should say so, range by range. */
const scanCutoffBytes = 1_000_000_000_000;

/** Of an UNLOAD: each writes to a place of its own, for Athena cleans up nothing and refuses what is not empty. */
const maxTries = 5;

const unloaded = `${unloadedPrefix}*`;

const queryFailure = failureOf('StateChangeReason');

/** How far an execution is with the archive, in the variable that the plan is given. */
const nothingYet = { survey: [], restoredBy: 0, tries: 0 };

/**
 * Traces that the trace store holds no more, put back into it for a backfill: what the plan asks the archive, Athena counts and unloads,
 * and a function restores, part by part. An inline map: there are a hundred parts at most, and each may take its quarter of an hour.
 */
export class ArchiveRestore extends Construct {
  readonly lambda: NodejsFunction;
  readonly #workgroup: CfnWorkGroup;
  readonly #props: ArchiveRestoreProps;

  constructor(scope: Construct, id: string, props: ArchiveRestoreProps) {
    super(scope, id);
    this.#props = props;
    this.lambda = this.#restoreTraces(props);
    // With a location of its own: results that Athena manages itself come without a manifest.
    this.#workgroup = queryWorkgroup(this, 'Workgroup', {
      name: `${props.catalog.databaseName}-backfills`,
      description: 'What backfills read of the Assay archive',
      scanCutoffBytes,
      outputLocation: `s3://${props.traceStore.bucketName}/${unloadedPrefix}results/`,
    });
  }

  /** What the variable `archive` is before anything was asked. */
  static readonly begin = nothingYet;

  /** The states that answer what the plan asks; each leads back to it, or to `failed`. */
  states({ plan, failed, failure }: { plan: IChainable; failed: IChainable; failure: string }): {
    survey: CustomState;
    unload: CustomState;
  } {
    const survey = this.#query('SurveyArchive', {
      queryExecutionId: '{% $states.result.QueryExecution.QueryExecutionId %}',
    });
    survey.addRetry(patient);
    const read = new CustomState(this, 'ReadSurvey', {
      stateJson: {
        Type: 'Task',
        Resource: `arn:${Aws.PARTITION}:states:::athena:getQueryResults`,
        Arguments: { QueryExecutionId: '{% $queryExecutionId %}' },
        Assign: { archive: "{% $merge([$archive, {'survey': $states.result.ResultSet.Rows}]) %}" },
        Output: '{% {} %}',
      },
    });
    read.addRetry(patient);
    const manifest = { manifest: '{% $states.result.QueryExecution.Statistics.DataManifestLocation %}' };
    const unload = this.#query('UnloadTraces', manifest);
    const restore = this.#restore();
    const wait = Wait.jsonata(this, 'WaitForArchive', { time: WaitTime.duration(Duration.minutes(1)) });
    const tried = Choice.jsonata(this, 'UnloadFailed')
      .when(Condition.jsonata(`{% $archive.tries < ${maxTries} %}`), wait)
      .otherwise(failed);
    const tries = "{% $merge([$archive, {'tries': $archive.tries + 1}]) %}";
    unload.addCatch(tried, { errors: ['States.ALL'], assign: { archive: tries, failure: queryFailure } });
    survey.addCatch(failed, { errors: ['States.ALL'], assign: { failure: queryFailure } });
    for (const state of [read, restore]) state.addCatch(failed, { errors: ['States.ALL'], assign: { failure } });
    survey.next(read);
    read.next(plan);
    unload.next(restore);
    wait.next(plan);
    restore.next(plan);
    return { survey, unload };
  }

  /** Runs what the plan asked to its end. */
  #query(id: string, assign: Readonly<Record<string, string>>): CustomState {
    return new CustomState(this, id, {
      stateJson: {
        Type: 'Task',
        Resource: `arn:${Aws.PARTITION}:states:::athena:startQueryExecution.sync`,
        Arguments: {
          QueryString: '{% $backfill.query %}',
          QueryExecutionContext: { Database: this.#props.catalog.databaseName },
          WorkGroup: this.#workgroup.name,
        },
        Assign: assign,
        Output: '{% {} %}',
      },
    });
  }

  #restore(): MapState {
    const map = MapState.jsonata(this, 'RestoreTraces', {
      items: ProvideItems.jsonata('{% [0..$backfill.buckets - 1] %}'),
      jsonataMaxConcurrency: '{% $backfill.maxConcurrency %}',
      itemSelector: {
        experimentId: '{% $backfill.experimentId %}',
        backfillId: '{% $backfill.backfillId %}',
        attempt: '{% $backfill.attempt %}',
        manifest: '{% $manifest %}',
        bucket: '{% $states.context.Map.Item.Value %}',
      },
      assign: { archive: "{% $merge([$archive, {'restoredBy': $backfill.attempt}]) %}" },
      outputs: '{% {} %}',
    });
    const work = LambdaInvoke.jsonata(this, 'RestoreTracesOf', {
      lambdaFunction: this.lambda,
      payload: TaskInput.fromText('{% $states.input %}'),
      outputs: '{% 1 %}',
      retryOnServiceExceptions: false,
    });
    work.addRetry(patient);
    map.itemProcessor(work);
    return map;
  }

  #restoreTraces({
    traces,
    registry,
    traceStore,
    archiveBucket,
    traceRetentionDays,
  }: ArchiveRestoreProps): NodejsFunction {
    const { lambda } = new ServiceFunction<RestoreTracesEnv>(this, 'Restore', {
      name: 'restore-traces',
      timeout: Duration.minutes(15),
      // A hundred thousand spans of a part, as texts.
      memorySize: 3008,
      environment: {
        TRACES_TABLE: traces.tableName,
        REGISTRY_TABLE: registry.tableName,
        TRACE_STORE_BUCKET: traceStore.bucketName,
        ARCHIVE_BUCKET: archiveBucket.bucketName,
        TRACE_RETENTION_DAYS: String(traceRetentionDays),
      },
    });
    grantTable(traces, lambda, ['PartiQLInsert', 'BatchGetItem', 'PutItem', 'UpdateItem']);
    grantTable(registry, lambda, ['GetItem']);
    grantObjects(traceStore, lambda, { read: [unloaded], write: ['restored/*'] });
    grantObjects(archiveBucket, lambda, { read: ['values/*'] });
    return lambda;
  }

  /** Athena does with the caller's rights what it does for a query (user guide, "Access control"); the library's task would grant more, and less. */
  grantQueries(machine: StateMachine): void {
    const { traceStore, archiveBucket, catalog } = this.#props;
    const tables = Object.keys(archiveTables);
    const glue = (resource: string, resourceName?: string) =>
      Stack.of(this).formatArn({ service: 'glue', resource, ...(resourceName !== undefined && { resourceName }) });
    const athena = (resource: string, resourceName: string) =>
      Stack.of(this).formatArn({ service: 'athena', resource, resourceName, arnFormat: ArnFormat.SLASH_RESOURCE_NAME });
    const grants: readonly (readonly [readonly string[], readonly string[]])[] = [
      [
        ['StartQueryExecution', 'StopQueryExecution', 'GetQueryExecution', 'GetQueryResults'].map(
          (name) => `athena:${name}`,
        ),
        [athena('workgroup', this.#workgroup.name)],
      ],
      [['athena:GetDataCatalog'], [athena('datacatalog', 'AwsDataCatalog')]],
      [
        ['glue:GetDatabase', 'glue:GetTable', 'glue:GetPartitions'],
        [
          glue('catalog'),
          glue('database', catalog.databaseName),
          ...tables.map((name) => glue('table', `${catalog.databaseName}/${name}`)),
        ],
      ],
      [
        ['s3:GetBucketLocation', 's3:ListBucket'],
        [archiveBucket.bucketArn, traceStore.bucketArn],
      ],
      [['s3:GetObject'], tables.map((name) => archiveBucket.arnForObjects(`${name}/*`))],
      [['s3:ListBucketMultipartUploads'], [traceStore.bucketArn]],
      [
        ['s3:GetObject', 's3:PutObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'],
        [traceStore.arnForObjects(unloaded)],
      ],
    ];
    for (const [actions, resources] of grants)
      machine.addToRolePolicy(new PolicyStatement({ actions: [...actions], resources: [...resources] }));
    for (const [bucket, prefix] of [
      [traceStore, unloaded] as const,
      ...tables.map((name) => [archiveBucket, `${name}/*`] as const),
    ])
      Validations.of(machine).acknowledge({
        id: `AwsSolutions-IAM5[Resource::${exportName(bucket)}/${prefix}]`,
        reason: 'files of the archive, and those that Athena writes, have names that are made at run time',
      });
  }
}
