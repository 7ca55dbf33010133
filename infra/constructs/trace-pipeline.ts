import { Duration } from 'aws-cdk-lib';
import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { IndexTracesEnv } from '../../functions/index-traces/env.ts';
import type { RunScorersEnv } from '../../functions/run-scorers/env.ts';
import type { SweepEnv } from '../../functions/sweep/env.ts';
import { grantObjects, grantPutRecords, grantSendMessages, grantTable } from './grants.ts';
import { ServiceFunction } from './service-function.ts';
import type { TraceArchive } from './trace-archive.ts';
import { WorkQueue } from './work-queue.ts';

export interface TracePipelineProps {
  readonly traces: TableV2;
  readonly registry: TableV2;
  readonly traceStore: IBucket;
  readonly archiveBucket: IBucket;
  readonly archive: TraceArchive;
  readonly traceRetentionDays: number;
}

/** From the arrivals queue to the assessments: indexing, sampling, scoring, and the sweep that forgets nothing. */
export class TracePipeline extends Construct {
  readonly arrivals: WorkQueue;
  readonly evaluations: WorkQueue;
  readonly indexTraces: NodejsFunction;
  readonly runScorers: NodejsFunction;
  readonly sweep: NodejsFunction;

  constructor(scope: Construct, id: string, props: TracePipelineProps) {
    super(scope, id);
    const [indexTimeout, scoringTimeout] = [Duration.seconds(60), Duration.seconds(120)];
    this.arrivals = new WorkQueue(this, 'Arrivals', { consumerTimeout: indexTimeout, maxReceives: 5 });
    // Throttled models burn receives: twice as many.
    this.evaluations = new WorkQueue(this, 'Evaluations', { consumerTimeout: scoringTimeout, maxReceives: 10 });
    this.indexTraces = this.#indexTraces(props, indexTimeout);
    this.runScorers = this.#runScorers(props, scoringTimeout);
    this.sweep = this.#sweep(props);
  }

  #indexTraces(
    { traces, registry, traceStore, archiveBucket, archive, traceRetentionDays }: TracePipelineProps,
    timeout: Duration,
  ): NodejsFunction {
    const { lambda } = new ServiceFunction<IndexTracesEnv>(this, 'IndexTraces', {
      name: 'index-traces',
      timeout,
      // One virtual CPU, and room for a body of 64 MiB with its spans decoded.
      memorySize: 1769,
      environment: {
        TRACES_TABLE: traces.tableName,
        REGISTRY_TABLE: registry.tableName,
        TRACE_STORE_BUCKET: traceStore.bucketName,
        ARCHIVE_BUCKET: archiveBucket.bucketName,
        ARRIVALS_QUEUE_URL: this.arrivals.queue.queueUrl,
        EVALUATIONS_QUEUE_URL: this.evaluations.queue.queueUrl,
        TRACES_STREAM: archive.streams.traces.deliveryStreamName,
        SPANS_STREAM: archive.streams.spans.deliveryStreamName,
        TRACE_RETENTION_DAYS: String(traceRetentionDays),
      },
    });
    // A second's wait fills the batches that make segments large and calls few.
    this.arrivals.consumeWith(lambda, { batchSize: 100, maxBatchingWindow: Duration.seconds(1) });
    grantTable(traces, lambda, ['PartiQLInsert', 'BatchGetItem', 'BatchWriteItem', 'Query', 'UpdateItem']);
    grantTable(registry, lambda, ['GetItem']);
    grantObjects(traceStore, lambda, {
      read: ['segments/*', 'inbox/*'],
      write: ['segments/*'],
      remove: ['attachments/*'],
    });
    grantObjects(archiveBucket, lambda, { write: ['values/*'] });
    grantSendMessages(this.arrivals.queue, lambda);
    grantSendMessages(this.evaluations.queue, lambda);
    grantPutRecords(archive.streams.traces, lambda);
    grantPutRecords(archive.streams.spans, lambda);
    return lambda;
  }

  #runScorers(
    { traces, registry, traceStore, archive, traceRetentionDays }: TracePipelineProps,
    timeout: Duration,
  ): NodejsFunction {
    const { lambda } = new ServiceFunction<RunScorersEnv>(this, 'RunScorers', {
      name: 'run-scorers',
      timeout,
      memorySize: 1024,
      environment: {
        TRACES_TABLE: traces.tableName,
        REGISTRY_TABLE: registry.tableName,
        TRACE_STORE_BUCKET: traceStore.bucketName,
        ASSESSMENTS_STREAM: archive.streams.assessments.deliveryStreamName,
        TRACE_RETENTION_DAYS: String(traceRetentionDays),
      },
    });
    this.evaluations.consumeWith(lambda, { batchSize: 10, maxConcurrency: 50 });
    grantTable(traces, lambda, ['Query', 'BatchGetItem', 'BatchWriteItem', 'UpdateItem', 'DeleteItem'], ['by-session']);
    grantTable(registry, lambda, ['GetItem']);
    grantObjects(traceStore, lambda, { read: ['segments/*'] });
    grantPutRecords(archive.streams.assessments, lambda);
    return lambda;
  }

  #sweep({ traces }: TracePipelineProps): NodejsFunction {
    const { lambda } = new ServiceFunction<SweepEnv>(this, 'Sweep', {
      name: 'sweep',
      timeout: Duration.seconds(50),
      memorySize: 256,
      environment: {
        TRACES_TABLE: traces.tableName,
        ARRIVALS_QUEUE_URL: this.arrivals.queue.queueUrl,
        EVALUATIONS_QUEUE_URL: this.evaluations.queue.queueUrl,
      },
    });
    // Moves the due time of sessions.
    grantTable(traces, lambda, ['UpdateItem']);
    // CloudFormation's resource for an index is the table's ARN with its name behind.
    lambda.addToRolePolicy(
      new PolicyStatement({ actions: ['dynamodb:Query'], resources: [`${traces.tableArn}/index/open-work`] }),
    );
    grantSendMessages(this.arrivals.queue, lambda);
    grantSendMessages(this.evaluations.queue, lambda);
    const rule = new Rule(this, 'EveryMinute', { schedule: Schedule.rate(Duration.minutes(1)) });
    rule.addTarget(new LambdaFunction(lambda, { retryAttempts: 0 }));
    return lambda;
  }
}
