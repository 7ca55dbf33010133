import { CfnOutput, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { StageConfig } from '../config.ts';
import { Operations } from '../constructs/operations.ts';
import { TraceApi } from '../constructs/trace-api.ts';
import { TraceArchive } from '../constructs/trace-archive.ts';
import { TraceBackfill } from '../constructs/trace-backfill.ts';
import { TracePipeline } from '../constructs/trace-pipeline.ts';
import type { StorageStack } from './storage-stack.ts';

export interface MonitoringStackProps extends StackProps {
  readonly config: StageConfig;
  readonly storage: StorageStack;
}

/** What works on the traces: API, pipeline, streams into the archive, alarms. Can be deleted and made again. */
export class MonitoringStack extends Stack {
  constructor(scope: Construct, id: string, { config, storage, ...props }: MonitoringStackProps) {
    super(scope, id, { description: 'Assay: receives, samples and scores traces', ...props });
    Validations.of(this).acknowledge({
      id: 'CloudFormation-Validate::W7001',
      reason: "the library's Firehose construct adds a mapping that only other destinations use",
    });
    const { traces, registry } = storage.tables;
    const { traceStore, archive: archiveBucket } = storage.buckets;
    const archive = new TraceArchive(this, 'Archive', { archive: archiveBucket, catalog: storage.catalog });
    const pipeline = new TracePipeline(this, 'Pipeline', {
      traces,
      registry,
      traceStore,
      archiveBucket,
      archive,
      judges: storage.judges,
      traceRetentionDays: config.traceRetentionDays,
    });
    const { arrivals, evaluations, backfillEvaluations, indexTraces, runScorers, runPython, sweep } = pipeline;
    const backfill = new TraceBackfill(this, 'Backfill', {
      traces,
      registry,
      traceStore,
      archiveBucket,
      catalog: storage.catalog,
      evaluations: backfillEvaluations,
      traceRetentionDays: config.traceRetentionDays,
    });
    const { receiveTraces, serveApi, authorizeRequest } = new TraceApi(this, 'Front', {
      traces,
      registry,
      traceStore,
      arrivals,
      archive,
      backfills: backfill.stateMachine,
      runScorers,
      traceRetentionDays: config.traceRetentionDays,
    });
    const operations = new Operations(this, 'Operations', {
      queues: { arrivals, evaluations, backfillEvaluations },
      functions: {
        receiveTraces,
        indexTraces,
        runScorers,
        runPython,
        serveApi,
        authorizeRequest,
        sweep,
      },
      backfills: backfill.stateMachine,
      archive,
      alarmEmail: config.alarmEmail,
    });
    new CfnOutput(this, 'ArrivalsQueueUrl', { value: arrivals.queue.queueUrl });
    new CfnOutput(this, 'EvaluationsQueueUrl', { value: evaluations.queue.queueUrl });
    new CfnOutput(this, 'BackfillStateMachine', { value: backfill.stateMachine.stateMachineArn });
    new CfnOutput(this, 'JudgeModels', { value: JSON.stringify(storage.judges.models) });
    new CfnOutput(this, 'AlarmTopic', { value: operations.topic.topicArn });
  }
}
