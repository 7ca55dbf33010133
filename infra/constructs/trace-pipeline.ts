import { Duration } from 'aws-cdk-lib';
import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { IndexTracesEnv } from '../../functions/index-traces/env.ts';
import type { RunPythonEnv } from '../../functions/run-python/env.ts';
import type { RunScorersEnv } from '../../functions/run-scorers/env.ts';
import type { SweepEnv } from '../../functions/sweep/env.ts';
import { ownFunctionPrefix } from '../../shared/domain/code/code-definition.ts';
import {
  grantDelayMessages,
  grantInvokeByPrefix,
  grantObjects,
  grantPutRecords,
  grantSendMessages,
  grantTable,
} from './grants.ts';
import { grantJudges } from './judge-grants.ts';
import { JudgeMemory } from './judge-memory.ts';
import type { JudgeSecrets } from './judge-secrets.ts';
import { ServiceFunction } from './service-function.ts';
import type { TraceArchive } from './trace-archive.ts';
import { WorkQueue } from './work-queue.ts';

export interface TracePipelineProps {
  readonly traces: TableV2;
  readonly registry: TableV2;
  readonly traceStore: IBucket;
  readonly archiveBucket: IBucket;
  readonly archive: TraceArchive;
  readonly judges: JudgeSecrets;
  readonly traceRetentionDays: number;
}

/** From the arrivals queue to the assessments: indexing, sampling, scoring, and the sweep that forgets nothing. */
export class TracePipeline extends Construct {
  readonly arrivals: WorkQueue;
  readonly evaluations: WorkQueue;
  readonly backfillEvaluations: WorkQueue;
  readonly indexTraces: NodejsFunction;
  readonly runScorers: NodejsFunction;
  readonly runPython: NodejsFunction;
  readonly sweep: NodejsFunction;

  constructor(scope: Construct, id: string, props: TracePipelineProps) {
    super(scope, id);
    const [indexTimeout, scoringTimeout] = [Duration.seconds(60), Duration.seconds(120)];
    this.arrivals = new WorkQueue(this, 'Arrivals', { consumerTimeout: indexTimeout, maxReceives: 5 });
    // Throttled models burn receives: twice as many.
    this.evaluations = new WorkQueue(this, 'Evaluations', { consumerTimeout: scoringTimeout, maxReceives: 10 });
    this.backfillEvaluations = new WorkQueue(this, 'BackfillEvaluations', {
      consumerTimeout: scoringTimeout,
      maxReceives: 10,
      isBacklog: true,
    });
    this.indexTraces = this.#indexTraces(props, indexTimeout);
    this.runPython = this.#runPython();
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
      read: ['segments/*', 'restored/*', 'inbox/*'],
      write: ['segments/*', 'restored/*'],
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
    { traces, registry, traceStore, archive, judges, traceRetentionDays }: TracePipelineProps,
    timeout: Duration,
  ): NodejsFunction {
    const memory = new JudgeMemory(this, 'JudgeMemory').table;
    const { lambda } = new ServiceFunction<RunScorersEnv>(this, 'RunScorers', {
      name: 'run-scorers',
      timeout,
      memorySize: 1024,
      environment: {
        TRACES_TABLE: traces.tableName,
        REGISTRY_TABLE: registry.tableName,
        JUDGE_MEMORY_TABLE: memory.tableName,
        TRACE_STORE_BUCKET: traceStore.bucketName,
        ASSESSMENTS_STREAM: archive.streams.assessments.deliveryStreamName,
        EVALUATIONS_QUEUE_URL: this.evaluations.queue.queueUrl,
        BACKFILL_QUEUE_URL: this.backfillEvaluations.queue.queueUrl,
        RUN_PYTHON_FUNCTION: this.runPython.functionName,
        TRACE_RETENTION_DAYS: String(traceRetentionDays),
        JUDGE_MODELS: JSON.stringify(judges.models),
      },
      beside: { programs: { 'shared/adapters/quickjs/quickjs-worker.ts': 'quickjs-worker.mjs' } },
    });
    // As many as the function judges side by side: their calls wait for the models together, and the bill counts the wall clock. Above ten it
    // takes a window of a second, which a trace waits at most. Judges have the timeout without the 15 s that run-scorers keeps for itself; what
    // takes longer (a long look into a trace, a slow answer and its repair) is an error, and what began late because of others is held and comes
    // back. Only a function that dies leaves its messages to the visibility timeout, when the leases are over; what was judged stays judged,
    // and answers that were paid are in the judges' memory.
    // Ten instances: 500 traces at once, which if they all ran Python were half of an account's usual concurrency.
    this.evaluations.consumeWith(lambda, {
      batchSize: 50,
      maxBatchingWindow: Duration.seconds(1),
      maxConcurrency: 10,
    });
    // A lane of its own: however much lies in it, it takes a fifth of what live scoring may.
    this.backfillEvaluations.consumeWith(lambda, {
      batchSize: 50,
      maxBatchingWindow: Duration.seconds(1),
      maxConcurrency: 2,
    });
    lambda.addToRolePolicy(
      new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [this.runPython.functionArn] }),
    );
    grantInvokeByPrefix(this, lambda, ownFunctionPrefix);
    const onTraces = ['Query', 'BatchGetItem', 'BatchWriteItem', 'PutItem', 'UpdateItem', 'DeleteItem'];
    grantTable(traces, lambda, onTraces, ['by-session']);
    // A scorer whose judge cannot be asked is paused in the rules, and resumed; budgets are booked with updates.
    grantTable(registry, lambda, ['GetItem', 'PutItem', 'UpdateItem']);
    grantTable(memory, lambda, ['BatchGetItem', 'BatchWriteItem', 'DeleteItem', 'GetItem', 'UpdateItem']);
    grantObjects(traceStore, lambda, { read: ['segments/*', 'restored/*'] });
    grantPutRecords(archive.streams.assessments, lambda);
    grantDelayMessages(this.evaluations.queue, lambda);
    grantDelayMessages(this.backfillEvaluations.queue, lambda);
    grantJudges(judges, lambda);
    return lambda;
  }

  /** Users' Python. Nothing is granted to it: whatever escapes the interpreter and its process finds no right to use. */
  #runPython(): NodejsFunction {
    const pyodide = ['pyodide.mjs', 'pyodide.asm.mjs', 'pyodide.asm.wasm', 'python_stdlib.zip', 'pyodide-lock.json'];
    const { lambda } = new ServiceFunction<RunPythonEnv>(this, 'RunPython', {
      name: 'run-python',
      // Ten seconds of a scorer, and the start of its interpreter on a bad day.
      timeout: Duration.seconds(30),
      // One virtual CPU; the interpreter may take 384 MB.
      memorySize: 1769,
      environment: {},
      isTraced: false,
      beside: {
        programs: { 'shared/adapters/pyodide/python-child.ts': 'python/python-child.mjs' },
        files: {
          'shared/adapters/pyodide/mlflow_shim.py': 'python',
          'shared/adapters/pyodide/runner.py': 'python',
          ...Object.fromEntries(pyodide.map((file) => [`node_modules/pyodide/${file}`, 'pyodide'])),
        },
      },
    });
    return lambda;
  }

  #sweep({ traces, traceRetentionDays }: TracePipelineProps): NodejsFunction {
    const { lambda } = new ServiceFunction<SweepEnv>(this, 'Sweep', {
      name: 'sweep',
      timeout: Duration.seconds(50),
      memorySize: 256,
      environment: {
        TRACES_TABLE: traces.tableName,
        ARRIVALS_QUEUE_URL: this.arrivals.queue.queueUrl,
        EVALUATIONS_QUEUE_URL: this.evaluations.queue.queueUrl,
        BACKFILL_QUEUE_URL: this.backfillEvaluations.queue.queueUrl,
        TRACE_RETENTION_DAYS: String(traceRetentionDays),
      },
    });
    // Held evaluations are read whole; they and sessions are put off.
    grantTable(traces, lambda, ['BatchGetItem', 'UpdateItem']);
    // CloudFormation's resource for an index is the table's ARN with its name behind.
    lambda.addToRolePolicy(
      new PolicyStatement({ actions: ['dynamodb:Query'], resources: [`${traces.tableArn}/index/open-work`] }),
    );
    grantSendMessages(this.arrivals.queue, lambda);
    grantSendMessages(this.evaluations.queue, lambda);
    grantSendMessages(this.backfillEvaluations.queue, lambda);
    const rule = new Rule(this, 'EveryMinute', { schedule: Schedule.rate(Duration.minutes(1)) });
    rule.addTarget(new LambdaFunction(lambda, { retryAttempts: 0 }));
    return lambda;
  }
}
