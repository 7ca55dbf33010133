import { Duration } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { MetricType } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

/** SQS's default, long enough to mend what is broken over a weekend. */
export const messageRetention = Duration.days(4);
/** Ten million evaluations at twelve a second; what dies at last still has four days among the dead letters. */
const backlogRetention = Duration.days(10);
/** SQS's longest. */
export const deadLetterRetention = Duration.days(14);

export interface WorkQueueProps {
  /** Of the function that consumes it. */
  readonly consumerTimeout: Duration;
  /** Receives before a message goes to the dead letters. */
  readonly maxReceives: number;
  /** A long queue is what it is for: its messages are kept longer, and their age is no alarm. */
  readonly isBacklog?: boolean;
}

export interface Consumption {
  readonly batchSize: number;
  readonly maxBatchingWindow?: Duration;
  readonly maxConcurrency?: number;
}

/** A standard queue with its dead letters: the only way to make one. */
export class WorkQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;
  readonly isBacklog: boolean;

  constructor(scope: Construct, id: string, { consumerTimeout, maxReceives, isBacklog = false }: WorkQueueProps) {
    super(scope, id);
    this.isBacklog = isBacklog;
    const common = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };
    this.deadLetters = new Queue(this, 'DeadLetters', { ...common, retentionPeriod: deadLetterRetention });
    this.queue = new Queue(this, 'Queue', {
      ...common,
      retentionPeriod: isBacklog ? backlogRetention : messageRetention,
      // Six times the consumer's timeout: docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
      visibilityTimeout: Duration.seconds(consumerTimeout.toSeconds() * 6),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: maxReceives },
    });
  }

  consumeWith(consumer: IFunction, consumption: Consumption): void {
    consumer.addEventSource(
      new SqsEventSource(this.queue, {
        ...consumption,
        reportBatchItemFailures: true,
        metricsConfig: { metrics: [MetricType.EVENT_COUNT] },
      }),
    );
  }
}
