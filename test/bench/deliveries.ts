import { randomUUID } from 'node:crypto';
import type { FakeAws } from './fake-aws.ts';
import { FunctionProcess } from './function-process.ts';
import type { BenchStack } from './functions.ts';

/** What a function took for what it was handed. */
export interface Worked {
  cpuSeconds: number;
  wallSeconds: number;
  /** The most that its process has held in memory since it began. */
  peakBytes: number;
  invocations: number;
}

const maxPayloadBytes = 6 * 1024 * 1024;

export function startProcess(
  stack: BenchStack,
  name: string,
  options: { environment?: Readonly<Record<string, string>>; execArgv?: readonly string[] } = {},
): FunctionProcess {
  const found = stack.functions.get(name);
  if (!found) throw new Error(`the stack has no function ${name}`);
  const { environment = {}, execArgv } = options;
  return new FunctionProcess({
    ...found,
    environment: { ...found.environment, ...environment },
    ...(execArgv && { execArgv }),
  });
}

export async function receive(process: FunctionProcess, bodies: readonly Buffer[]): Promise<Worked> {
  const { results, ...worked } = await process.invokeAll(bodies.map(httpEvent));
  const refused = (results as { statusCode: number }[]).find(({ statusCode }) => statusCode !== 200);
  if (refused) throw new Error(`receive-traces answered ${refused.statusCode}`);
  return { ...worked, invocations: bodies.length };
}

const consumers = { Arrivals: 'index-traces', Evaluations: 'run-scorers' } as const;

/** Invokes with batches of what lies in the queue until nothing does; delayed messages come at once. */
export async function drain(
  process: FunctionProcess,
  { aws, stack, queue }: { aws: FakeAws; stack: BenchStack; queue: keyof typeof consumers },
): Promise<Worked> {
  const size = stack.functions.get(consumers[queue])?.batchSize ?? 1;
  const total: Worked = { cpuSeconds: 0, wallSeconds: 0, peakBytes: 0, invocations: 0 };
  for (;;) {
    const messages = aws.takeFrom(queue);
    if (messages.length === 0) return total;
    const events = batches(messages, size).map(sqsEvent);
    const { cpuSeconds, wallSeconds, peakBytes, results } = await process.invokeAll(events);
    const failures = (results as { batchItemFailures: unknown[] }[]).flatMap(
      ({ batchItemFailures }) => batchItemFailures,
    );
    if (failures.length > 0) throw new Error(`${failures.length} messages of ${queue} failed`);
    total.cpuSeconds += cpuSeconds;
    total.wallSeconds += wallSeconds;
    total.peakBytes = Math.max(total.peakBytes, peakBytes);
    total.invocations += events.length;
  }
}

function batches(messages: readonly string[], size: number): readonly (readonly string[])[] {
  const result: string[][] = [];
  let bytes = 0;
  for (const message of messages) {
    const batch = result.at(-1);
    if (batch && batch.length < size && bytes + message.length < maxPayloadBytes) {
      batch.push(message);
      bytes += message.length;
    } else {
      result.push([message]);
      bytes = message.length;
    }
  }
  return result;
}

function httpEvent(body: Buffer): unknown {
  return {
    version: '2.0',
    routeKey: 'POST /v1/traces',
    rawPath: '/v1/traces',
    rawQueryString: '',
    headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip', 'x-mlflow-experiment-id': '0' },
    requestContext: {
      http: { method: 'POST', path: '/v1/traces' },
      requestId: randomUUID(),
      authorizer: { lambda: { decision: 'allowed', role: 'ingest', experimentIds: '' } },
    },
    body: body.toString('base64'),
    isBase64Encoded: true,
  };
}

function sqsEvent(bodies: readonly string[]): unknown {
  return { Records: bodies.map((body) => ({ messageId: randomUUID(), body, attributes: {}, eventSource: 'aws:sqs' })) };
}
