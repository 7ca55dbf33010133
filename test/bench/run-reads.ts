import type { FakeAws } from './fake-aws.ts';
import { FunctionProcess } from './function-process.ts';
import type { BenchStack } from './functions.ts';
import { fruitlessSearch, type Read, reads } from './reads.ts';
import { StoredTraces } from './stored-traces.ts';

export interface ReadResult {
  readonly name: string;
  readonly goalCpuMs: number;
  /** CPU ms a request, user and system, of the whole process. */
  readonly cpuMs: number;
  /** AWS calls a request, by `service.operation`. */
  readonly calls: Readonly<Record<string, number>>;
  /** DynamoDB's, a request. */
  readonly readUnits: number;
  readonly answerBytes: number;
}

/** A search that nothing matches, page by page to its end. */
interface FruitlessResult {
  readonly pages: number;
  readonly cpuMs: number;
  /** Of the most expensive page. */
  readonly maxPageCpuMs: number;
  readonly maxPageCalls: number;
}

/** What reading costs with so many traces in the store. */
export interface ReadsResult {
  readonly stored: number;
  readonly itemBytes: number;
  readonly reads: readonly ReadResult[];
  readonly fruitless: FruitlessResult;
}

interface Answer {
  readonly statusCode: number;
  readonly body: string;
}

interface ReadContext {
  readonly process: FunctionProcess;
  readonly aws: FakeAws;
  readonly stored: number;
  readonly passes: number;
}

const requestsPerPass = 25;

/** Asks serve-api, in a process of its own for each size of the store. */
export async function runReads({
  stack,
  aws,
  sizes,
  passes,
}: {
  stack: BenchStack;
  aws: FakeAws;
  sizes: readonly number[];
  passes: number;
}): Promise<readonly ReadsResult[]> {
  const serveApi = stack.functions.get('serve-api');
  if (!serveApi) throw new Error('the stack has no function serve-api');
  const { TRACES_TABLE: table = '', TRACE_STORE_BUCKET: bucket = '' } = serveApi.environment;
  aws.forgetTraces();
  const traces = new StoredTraces(aws, { table, bucket });
  const results: ReadsResult[] = [];
  for (const stored of sizes) {
    traces.growTo(stored);
    const process = new FunctionProcess(serveApi);
    try {
      await process.initCpu;
      const context = { process, aws, stored, passes };
      const measured: ReadResult[] = [];
      for (const read of reads) measured.push(await runRead(read, context));
      const fruitless = await runFruitless(context);
      results.push({ stored, itemBytes: traces.itemBytes(), reads: measured, fruitless });
    } finally {
      await process.stop();
    }
  }
  return results;
}

/** The pass with the least CPU, after two that warm up: noise only ever adds. */
async function runRead(read: Read, { process, aws, stored, passes }: ReadContext): Promise<ReadResult> {
  const events = Array.from({ length: requestsPerPass }, (_, i) => read.event(i, stored));
  let cpuSeconds = Number.POSITIVE_INFINITY;
  let [answerBytes, readUnits] = [0, 0];
  for (let pass = -2; pass < passes; pass++) {
    aws.counts = {};
    const before = aws.dynamodb.consumed.readUnits;
    const { cpuSeconds: taken, results } = await process.invokeAll(events);
    for (const answer of results as Answer[]) check(read, answer);
    answerBytes = sum((results as Answer[]).map(({ body }) => body.length)) / events.length;
    readUnits = (aws.dynamodb.consumed.readUnits - before) / events.length;
    if (pass >= 0) cpuSeconds = Math.min(cpuSeconds, taken);
  }
  const calls = Object.entries(aws.counts).map(([call, count]) => [call, count.calls / events.length] as const);
  const { name, goalCpuMs } = read;
  const cpuMs = (cpuSeconds * 1000) / events.length;
  return { name, goalCpuMs, cpuMs, calls: Object.fromEntries(calls), readUnits, answerBytes };
}

function check({ name, found }: Read, { statusCode, body }: Answer): void {
  if (statusCode !== 200) throw new Error(`${name} was answered ${statusCode}: ${body}`);
  const { traces } = JSON.parse(body) as { traces?: readonly unknown[] };
  if ((traces?.length ?? 1) !== found) throw new Error(`${name} found ${traces?.length} traces, expected ${found}`);
}

/** Each page but the last has to say where the next one begins and how far the search has got. */
async function runFruitless({ process, aws, passes }: ReadContext): Promise<FruitlessResult> {
  await process.invokeAll([fruitlessSearch(), fruitlessSearch()]);
  const pages: { cpuMs: number; calls: number }[] = [];
  let reached: string | undefined;
  for (let token: string | undefined, isLast = false; !isLast; ) {
    let cpuMs = Number.POSITIVE_INFINITY;
    let body = '{}';
    for (let pass = 0; pass < Math.min(2, passes); pass++) {
      aws.counts = {};
      const { cpuSeconds, results } = await process.invokeAll([fruitlessSearch(token)]);
      cpuMs = Math.min(cpuMs, cpuSeconds * 1000);
      [{ body }] = results as [Answer];
    }
    pages.push({ cpuMs, calls: sum(Object.values(aws.counts).map(({ calls }) => calls)) });
    const { next_page_token, searched_until, traces } = JSON.parse(body);
    isLast = next_page_token === undefined;
    if (traces.length > 0 || (!isLast && !(searched_until < (reached ?? '~'))))
      throw new Error(`a page found ${traces.length} traces until ${searched_until}, the one before until ${reached}`);
    [token, reached] = [next_page_token, searched_until];
  }
  return {
    pages: pages.length,
    cpuMs: sum(pages.map(({ cpuMs }) => cpuMs)),
    maxPageCpuMs: Math.max(...pages.map(({ cpuMs }) => cpuMs)),
    maxPageCalls: Math.max(...pages.map(({ calls }) => calls)),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
