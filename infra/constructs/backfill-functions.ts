import { Duration } from 'aws-cdk-lib';
import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import type { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { ConcludeBackfillEnv } from '../../functions/conclude-backfill/env.ts';
import type { EnqueueBackfillSliceEnv } from '../../functions/enqueue-backfill-slice/env.ts';
import type { PlanBackfillEnv } from '../../functions/plan-backfill/env.ts';
import type { ReconcileBackfillSliceEnv } from '../../functions/reconcile-backfill-slice/env.ts';
import { grantObjects, grantSendMessages, grantTable } from './grants.ts';
import { ServiceFunction } from './service-function.ts';
import { backfillsPrefix } from './trace-buckets.ts';
import type { TraceCatalog } from './trace-catalog.ts';
import type { WorkQueue } from './work-queue.ts';

export interface BackfillFunctionsProps {
  readonly traces: TableV2;
  readonly registry: TableV2;
  readonly traceStore: IBucket;
  readonly catalog: TraceCatalog;
  /** The queue of evaluations that backfills ask for. */
  readonly evaluations: WorkQueue;
  readonly traceRetentionDays: number;
}

export type BackfillFunctions = Readonly<Record<'plan' | 'enqueue' | 'reconcile' | 'conclude', NodejsFunction>>;

const files = `${backfillsPrefix}*`;

/** What the states of a backfill run, each with the rights that it needs. */
export function backfillFunctions(scope: Construct, props: BackfillFunctionsProps): BackfillFunctions {
  return {
    plan: planBackfill(scope, props),
    enqueue: enqueueBackfillSlice(scope, props),
    reconcile: reconcileBackfillSlice(scope, props),
    conclude: concludeBackfill(scope, props),
  };
}

function planBackfill(
  scope: Construct,
  { traces, registry, traceStore, catalog, traceRetentionDays }: BackfillFunctionsProps,
): NodejsFunction {
  const { lambda } = new ServiceFunction<PlanBackfillEnv>(scope, 'PlanBackfill', {
    name: 'plan-backfill',
    // A call for each thousand traces: two hundred million take about ten minutes.
    timeout: Duration.minutes(15),
    memorySize: 1024,
    environment: {
      TRACES_TABLE: traces.tableName,
      REGISTRY_TABLE: registry.tableName,
      TRACE_STORE_BUCKET: traceStore.bucketName,
      ARCHIVE_DATABASE: catalog.databaseName,
      TRACE_RETENTION_DAYS: String(traceRetentionDays),
    },
  });
  grantTable(traces, lambda, ['BatchGetItem', 'Query'], ['by-time']);
  grantTable(registry, lambda, ['GetItem', 'PutItem', 'Query']);
  grantObjects(traceStore, lambda, { read: ['segments/*', 'restored/*'], write: [files] });
  return lambda;
}

function enqueueBackfillSlice(
  scope: Construct,
  { traces, registry, traceStore, evaluations, traceRetentionDays }: BackfillFunctionsProps,
): NodejsFunction {
  const { lambda } = new ServiceFunction<EnqueueBackfillSliceEnv>(scope, 'EnqueueBackfillSlice', {
    name: 'enqueue-backfill-slice',
    timeout: Duration.minutes(4),
    memorySize: 1024,
    environment: {
      TRACES_TABLE: traces.tableName,
      REGISTRY_TABLE: registry.tableName,
      TRACE_STORE_BUCKET: traceStore.bucketName,
      BACKFILL_QUEUE_URL: evaluations.queue.queueUrl,
      TRACE_RETENTION_DAYS: String(traceRetentionDays),
    },
  });
  grantTable(traces, lambda, ['BatchGetItem', 'GetItem', 'PutItem', 'Query'], ['by-time']);
  grantTable(registry, lambda, ['GetItem']);
  grantObjects(traceStore, lambda, { read: ['segments/*', 'restored/*', files], write: [files] });
  grantSendMessages(evaluations.queue, lambda);
  return lambda;
}

function reconcileBackfillSlice(
  scope: Construct,
  { traces, registry, traceStore, traceRetentionDays }: BackfillFunctionsProps,
): NodejsFunction {
  const { lambda } = new ServiceFunction<ReconcileBackfillSliceEnv>(scope, 'ReconcileBackfillSlice', {
    name: 'reconcile-backfill-slice',
    timeout: Duration.minutes(2),
    memorySize: 512,
    environment: {
      TRACES_TABLE: traces.tableName,
      REGISTRY_TABLE: registry.tableName,
      TRACE_STORE_BUCKET: traceStore.bucketName,
      TRACE_RETENTION_DAYS: String(traceRetentionDays),
    },
  });
  grantTable(traces, lambda, ['BatchGetItem', 'GetItem', 'PutItem']);
  grantTable(registry, lambda, ['GetItem']);
  grantObjects(traceStore, lambda, { read: [files] });
  return lambda;
}

function concludeBackfill(
  scope: Construct,
  { traces, registry, traceRetentionDays }: BackfillFunctionsProps,
): NodejsFunction {
  const { lambda } = new ServiceFunction<ConcludeBackfillEnv>(scope, 'ConcludeBackfill', {
    name: 'conclude-backfill',
    // Adds up the slices: two hundred thousand items at most.
    timeout: Duration.minutes(5),
    memorySize: 512,
    environment: {
      TRACES_TABLE: traces.tableName,
      REGISTRY_TABLE: registry.tableName,
      TRACE_RETENTION_DAYS: String(traceRetentionDays),
    },
  });
  grantTable(traces, lambda, ['Query']);
  grantTable(registry, lambda, ['BatchWriteItem', 'GetItem', 'PutItem']);
  return lambda;
}
