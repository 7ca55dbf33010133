import { childExecutionArn, mapRunArn } from './arns.ts';
import type { Execution } from './execution.ts';
import type { ChildEnd, MapRunRecord, Status } from './recorded.ts';
import { seconds } from './times.ts';

/** Answers of Step Functions' API: API reference, "DescribeExecution". */
export function described(execution: Execution): unknown {
  const { input, end, redriveCount, redrivenAt } = execution.log.recorded;
  const isRedrivable = execution.status !== 'RUNNING' && execution.status !== 'SUCCEEDED';
  return {
    ...listedExecution(execution),
    input,
    inputDetails: { included: true },
    ...(end?.output !== undefined && { output: end.output, outputDetails: { included: true } }),
    ...(end?.error !== undefined && { error: end.error }),
    ...(end?.cause !== undefined && { cause: end.cause }),
    redriveCount,
    ...(redrivenAt !== undefined && { redriveDate: seconds(redrivenAt) }),
    redriveStatus: isRedrivable ? 'REDRIVABLE' : 'NOT_REDRIVABLE',
    ...(!isRedrivable && { redriveStatusReason: `Execution is ${execution.status} and cannot be redriven` }),
  };
}

export function listedExecution(execution: Execution): { readonly status: Status } {
  const { name, startedAt, end } = execution.log.recorded;
  const identity = { executionArn: execution.arn, stateMachineArn: execution.machine.arn, name };
  return { ...identity, status: execution.status, ...dates(startedAt, end?.at) };
}

function dates(startedAt: number, stoppedAt: number | undefined): { startDate: number; stopDate?: number } {
  return { startDate: seconds(startedAt), ...(stoppedAt !== undefined && { stopDate: seconds(stoppedAt) }) };
}

/** A child that has ended. */
export function listedChild(
  record: MapRunRecord,
  { index, end, childMachineArn }: { index: number; end: ChildEnd; childMachineArn: string },
): { readonly status: Status } {
  const { name = '', items = 1 } = record.children[index] ?? {};
  return {
    ...{ executionArn: childExecutionArn(childMachineArn, { name, isExpress: record.isExpress }), name },
    ...{ stateMachineArn: childMachineArn, itemCount: items, status: end.status },
    ...dates(end.startedAt, end.at),
  };
}

/** API reference, "DescribeMapRun". */
export function describedMapRun(record: MapRunRecord, execution: Execution): unknown {
  const { maxConcurrency, toleratedFailureCount = 0, toleratedFailurePercentage = 0 } = record.settings;
  const running = execution.mapRuns.get(record.id)?.running ?? 0;
  return {
    mapRunArn: mapRunArn(execution.machine.arn, record),
    executionArn: execution.arn,
    status: record.status,
    ...dates(record.startedAt, record.stoppedAt),
    ...{ maxConcurrency, toleratedFailureCount, toleratedFailurePercentage },
    executionCounts: countsOf(record, { running, weigh: () => 1 }),
    itemCounts: countsOf(record, { running, weigh: (items) => items }),
    redriveCount: record.redriveCount,
    ...(record.redrivenAt !== undefined && { redriveDate: seconds(record.redrivenAt) }),
  };
}

const countNames: Readonly<Record<Exclude<Status, 'RUNNING'>, string>> = {
  SUCCEEDED: 'succeeded',
  FAILED: 'failed',
  TIMED_OUT: 'timedOut',
  ABORTED: 'aborted',
};

function countsOf(
  { children, ends, resultsWritten }: MapRunRecord,
  { running, weigh }: { running: number; weigh: (items: number) => number },
): Readonly<Record<string, number>> {
  const counts = { pending: 0, running: 0, succeeded: 0, failed: 0, timedOut: 0, aborted: 0 } as Record<string, number>;
  let begun = 0;
  for (const [index, { items }] of children.entries()) {
    const end = ends.get(index);
    // They begin in order: the first of those without an end are those that run.
    const name = end ? countNames[end.status] : begun++ < running ? 'running' : 'pending';
    counts[name] = (counts[name] ?? 0) + weigh(items);
  }
  const total = children.reduce((sum, { items }) => sum + weigh(items), 0);
  const ended = total - (counts.pending ?? 0) - (counts.running ?? 0);
  return { ...counts, total, resultsWritten: resultsWritten ? ended : 0 };
}

/** API reference, "GetExecutionHistory". */
export function historyOf(
  { log }: Execution,
  { maxResults = 100, reverseOrder = false, nextToken }: Readonly<Record<string, unknown>>,
): unknown {
  const events = reverseOrder === true ? log.recorded.events.toReversed() : log.recorded.events;
  const from = Number(nextToken ?? 0);
  const next = from + Number(maxResults || 100);
  return {
    events: events.slice(from, next).map(({ id, previousEventId, type, at, details }) => ({
      ...{ id, previousEventId, type, timestamp: seconds(at) },
      ...details,
    })),
    ...(next < events.length && { nextToken: String(next) }),
  };
}
