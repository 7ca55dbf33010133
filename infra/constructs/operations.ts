import { Aws, Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  Dashboard,
  GraphWidget,
  type IMetric,
  MathExpression,
  Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { DeliveryStream } from 'aws-cdk-lib/aws-kinesisfirehose';
import type { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { TraceArchive } from './trace-archive.ts';
import type { ArchiveTable } from './views.ts';
import type { WorkQueue } from './work-queue.ts';

export interface OperationsProps {
  readonly queues: Readonly<Record<string, WorkQueue>>;
  readonly functions: Readonly<Record<string, NodejsFunction>>;
  readonly backfills: StateMachine;
  readonly archive: TraceArchive;
  readonly alarmEmail?: string | undefined;
}

interface AlarmProps {
  /** Title of its section in docs/operations.md. */
  readonly section: string;
  readonly meaning: string;
  readonly metric: IMetric;
  readonly threshold: number;
  readonly evaluationPeriods?: number;
}

const period = Duration.minutes(5);

/** Alarms, the topic that tells of them, and one dashboard. */
export class Operations extends Construct {
  readonly topic: Topic;
  readonly alarms: Alarm[] = [];

  constructor(scope: Construct, id: string, props: OperationsProps) {
    super(scope, id);
    this.topic = new Topic(this, 'Alarms', { displayName: 'Assay alarms', enforceSSL: true });
    letAlarmsPublish(this.topic);
    if (props.alarmEmail !== undefined) this.topic.addSubscription(new EmailSubscription(props.alarmEmail));
    for (const [name, queue] of Object.entries(props.queues)) this.#watchQueue(name, queue);
    this.#watchFunctions(props.functions);
    this.#watchBackfills(props.backfills);
    for (const [table, stream] of Object.entries(props.archive.streams))
      this.#watchStream(table as ArchiveTable, stream);
    this.#dashboard(props);
  }

  #watchQueue(name: string, { queue, deadLetters, isBacklog }: WorkQueue): void {
    this.#alarm(`${name}DeadLetters`, {
      section: 'Dead letters',
      meaning: `messages of the ${name} queue failed for good; their traces wait in its dead-letter queue`,
      metric: deadLetters.metricApproximateNumberOfMessagesVisible({ period, statistic: 'max' }),
      threshold: 0,
    });
    if (isBacklog) return;
    this.#alarm(`${name}Age`, {
      section: 'Oldest message',
      meaning: `the ${name} queue is not worked off as fast as it fills`,
      metric: queue.metricApproximateAgeOfOldestMessage({ period, statistic: 'max' }),
      threshold: Duration.minutes(10).toSeconds(),
      evaluationPeriods: 3,
    });
  }

  /** One alarm for all: alarms cost money at rest, and the dashboard tells which function it was. */
  #watchFunctions(functions: Readonly<Record<string, NodejsFunction>>): void {
    const names = Object.keys(functions);
    const usingMetrics = Object.fromEntries(
      Object.values(functions).map((lambda, i) => [`e${i}`, lambda.metricErrors({ period, statistic: 'sum' })]),
    );
    this.#alarm('FunctionErrors', {
      section: 'Function errors',
      meaning: `an invocation of ${names.join(', ')} failed`,
      metric: new MathExpression({
        label: 'failed invocations',
        expression: `SUM([${Object.keys(usingMetrics)
          .map((key) => `FILL(${key}, 0)`)
          .join(', ')}])`,
        usingMetrics,
        period,
      }),
      threshold: 0,
      evaluationPeriods: 2,
    });
  }

  /** Their functions are called again by Step Functions: what counts is how an execution ends. */
  #watchBackfills(backfills: StateMachine): void {
    this.#alarm('BackfillsFailed', {
      section: 'Backfill failed',
      meaning: 'a backfill stopped before its end, or was refused when it was started',
      metric: backfills.metricFailed({ period, statistic: 'sum' }),
      threshold: 0,
    });
  }

  #watchStream(table: ArchiveTable, stream: DeliveryStream): void {
    this.#alarm(`${table}Freshness`, {
      section: 'Archive not fresh',
      meaning: `rows of ${table} have waited for half an hour to be written to the archive`,
      metric: ofStream(stream, 'DeliveryToS3.DataFreshness', 'max'),
      threshold: Duration.minutes(30).toSeconds(),
    });
    // What fails to convert is what Firehose writes under errors/: there is no other way for a file to get there.
    this.#alarm(`${table}FailedConversion`, {
      section: 'Files under the error prefix',
      meaning: `rows of ${table} could not be converted to Parquet and lie under errors/${table}/ in the archive bucket`,
      metric: ofStream(stream, 'FailedConversion.Records', 'sum'),
      threshold: 0,
    });
  }

  #alarm(id: string, { section, meaning, metric, threshold, evaluationPeriods = 1 }: AlarmProps): void {
    const alarm = new Alarm(this, id, {
      alarmDescription: `${meaning}. See "${section}" in docs/operations.md`,
      metric,
      threshold,
      evaluationPeriods,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      // No data: no traffic.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(this.topic));
    alarm.addOkAction(new SnsAction(this.topic));
    this.alarms.push(alarm);
  }

  #dashboard({ queues, functions, archive }: OperationsProps): void {
    const lambdas = Object.entries(functions);
    const named = Object.entries(queues);
    const streams = Object.entries(archive.streams);
    new Dashboard(this, 'Dashboard', {
      widgets: [
        [
          graph(
            'Invocations',
            lambdas.map(([label, lambda]) => lambda.metricInvocations({ label })),
          ),
          graph(
            'Errors and throttles',
            lambdas.flatMap(([label, lambda]) => [
              lambda.metricErrors({ label: `${label} errors` }),
              lambda.metricThrottles({ label: `${label} throttles` }),
            ]),
          ),
          graph(
            'Duration p95, ms',
            lambdas.map(([label, lambda]) => lambda.metricDuration({ label, statistic: 'p95' })),
          ),
        ],
        [
          graph(
            'Messages in',
            named.map(([label, { queue }]) => queue.metricNumberOfMessagesSent({ label })),
          ),
          graph(
            'Oldest message, s',
            named.map(([label, { queue }]) => queue.metricApproximateAgeOfOldestMessage({ label })),
          ),
          graph(
            'Dead letters',
            named.map(([label, { deadLetters }]) => deadLetters.metricApproximateNumberOfMessagesVisible({ label })),
          ),
        ],
        [
          graph(
            'Rows archived',
            streams.map(([label, stream]) => ofStream(stream, 'SucceedConversion.Records', 'sum', label)),
          ),
          graph(
            'Rows not converted',
            streams.map(([label, stream]) => ofStream(stream, 'FailedConversion.Records', 'sum', label)),
          ),
          graph(
            'Archive freshness, s',
            streams.map(([label, stream]) => ofStream(stream, 'DeliveryToS3.DataFreshness', 'max', label)),
          ),
        ],
      ],
    });
  }
}

/**
 * A topic without a policy of its own admits its account; the policy that enforces TLS takes that one's place, and alarms then fail
 * without a word: repost.aws/knowledge-center/cloudwatch-receive-sns-for-alarm-trigger
 */
function letAlarmsPublish(topic: Topic): void {
  topic.addToResourcePolicy(
    new PolicyStatement({
      actions: ['sns:Publish'],
      principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
      resources: [topic.topicArn],
      conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
    }),
  );
}

function ofStream(stream: DeliveryStream, metricName: string, statistic: string, label?: string): Metric {
  const dimensionsMap = { DeliveryStreamName: stream.deliveryStreamName };
  return new Metric({
    namespace: 'AWS/Firehose',
    metricName,
    dimensionsMap,
    statistic,
    period,
    ...(label && { label }),
  });
}

function graph(title: string, left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, left, width: 8 });
}
