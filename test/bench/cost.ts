import type { CallCounts } from './fake-aws.ts';
import { memoryMbOfOneCpu, prices } from './prices.ts';

/** What was seen while a number of traces went through. */
export interface Consumption {
  readonly traces: number;
  readonly requests: number;
  readonly calls: CallCounts;
  readonly writeUnits: number;
  readonly readUnits: number;
  /** CPU seconds, invocations and configured memory of each function. */
  readonly functions: readonly {
    readonly name: string;
    readonly cpuSeconds: number;
    readonly invocations: number;
    readonly memoryMb: number;
  }[];
  /** JSON access log and the platform's log lines, bytes. */
  readonly logBytes: number;
}

/** List price of a million traces by part, US$. */
export function costPerMillion(seen: Consumption): Record<string, number> {
  const million = 1e6 / seen.traces;
  const of = (prefix: string, field: 'calls' | 'units') =>
    Object.entries(seen.calls)
      .filter(([call]) => call.startsWith(prefix))
      .reduce((sum, [, count]) => sum + count[field], 0);
  const invocations = seen.functions.reduce((sum, { invocations: count }) => sum + count, 0);
  return {
    'HTTP API': (seen.requests * million * prices.httpApiPerMillion) / 1e6,
    'Lambda requests': (invocations * million * prices.lambdaPerMillionRequests) / 1e6,
    'Lambda compute':
      seen.functions.reduce((sum, each) => sum + gbSeconds(each), 0) * million * prices.lambdaPerGbSecond,
    // Each message is sent, received and deleted; receiving takes as many chunks as sending, deleting takes ten at a time.
    SQS: ((of('sqs.', 'units') * 2 + of('sqs.', 'calls') / 10) * million * prices.sqsPerMillion) / 1e6,
    'DynamoDB writes': (seen.writeUnits * million * prices.dynamoWritePerMillion) / 1e6,
    'DynamoDB reads': (seen.readUnits * million * prices.dynamoReadPerMillion) / 1e6,
    'S3 requests':
      (of('s3.PutObject', 'calls') * million * prices.s3PutPerThousand +
        of('s3.GetObject', 'calls') * million * prices.s3GetPerThousand) /
      1e3,
    Firehose: (of('firehose.', 'units') * million * prices.firehosePerGb) / 1e9,
    Logs: (seen.logBytes * million * prices.logsPerGb) / 1e9,
  };
}

/**
 * GB-seconds billed for the CPU used: below one virtual CPU a function of `memoryMb` is that much slower. Waiting for AWS's answers
 * is billed too; a fifth on top stands for it.
 */
function gbSeconds({ cpuSeconds, memoryMb }: { cpuSeconds: number; memoryMb: number }): number {
  const slowness = Math.max(1, memoryMbOfOneCpu / memoryMb);
  return cpuSeconds * slowness * 1.2 * (memoryMb / 1024);
}

/** A sweep of 256 MB for a tenth of a second each minute; event sources poll their queues about 650,000 times a month. */
const sweepsPerMonth = 43_200;
const sweepGbSeconds = 0.025;
const pollsPerQueuePerMonth = 650_000;

/** What stands costs while no trace arrives, US$ a month by part. */
export function costAtRest(resources: readonly { readonly type: string }[]): Record<string, number> {
  const count = (type: string) => resources.filter((resource) => resource.type === type).length;
  return {
    alarms: count('AWS::CloudWatch::Alarm') * prices.alarmPerMonth,
    dashboards: count('AWS::CloudWatch::Dashboard') * prices.dashboardPerMonth,
    'queue polling': (count('AWS::Lambda::EventSourceMapping') * pollsPerQueuePerMonth * prices.sqsPerMillion) / 1e6,
    sweep: sweepsPerMonth * (sweepGbSeconds * prices.lambdaPerGbSecond + prices.lambdaPerMillionRequests / 1e6),
  };
}
