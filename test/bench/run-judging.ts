import { drain, receive, startProcess } from './deliveries.ts';
import type { FakeAws } from './fake-aws.ts';
import type { FunctionProcess } from './function-process.ts';
import type { BenchStack } from './functions.ts';
import { ModelProcess } from './model-process.ts';
import { type BenchScorer, putRules } from './rules.ts';
import { distinctWorkload, type Workload } from './workloads.ts';

/** What one instance of `run-scorers` took for the traces in its queue. */
export interface JudgingResult {
  readonly traces: number;
  /** The slowest pass, the first included. */
  readonly wallSeconds: number;
  /** CPU ms a trace, of the cheapest pass: noise only adds. */
  readonly cpuMsPerTrace: number;
  readonly mostInFlight: number;
  /** The most that the process held in memory, from its start. */
  readonly peakBytes: number;
  /** Traces that have no assessment with a value of every scorer. */
  readonly lost: number;
  readonly invocations: number;
}

export interface JudgingFigures {
  readonly model: { readonly delayMs: number };
  /** With one judge, whose model takes its time. */
  readonly waiting: JudgingResult;
  /** The same with the memory of the smallest function that is to do. */
  readonly small: JudgingResult & { readonly heapMb: number };
  /** CPU ms of each further judge, and of each further code scorer, on a trace. */
  readonly furtherJudgeCpuMs: number;
  readonly code: JudgingResult;
  readonly furtherCodeCpuMs: number;
}

/** As MLflow and Phoenix were measured: `shared/reference/performance.md` §3. */
const [traces, delayMs] = [200, 1_000];
/** What V8's old generation may take where a function has 512 MB: the rest is for code, threads and buffers. */
const heapMb = 256;

const judges = ['Safety', 'RelevanceToQuery', 'Completeness', 'Fluency', 'Summarization'].map(
  (builtin): BenchScorer => ({
    name: builtin.toLowerCase(),
    definition: { builtin_scorer_class: builtin, builtin_scorer_pydantic_data: { name: builtin.toLowerCase() } },
  }),
);
const codeScorers = Array.from(
  { length: 5 },
  (_, i): BenchScorer => ({
    name: `short_${i}`,
    definition: { assay_code: { language: 'javascript', source: '(inputs, outputs) => outputs.length < 100' } },
  }),
);

/** Judges 200 traces of 20 KB with the bundled `run-scorers`, one instance of it, and a model in a process of its own. */
export async function runJudging(context: {
  stack: BenchStack;
  aws: FakeAws;
  passes: number;
}): Promise<JudgingFigures> {
  const workload = distinctWorkload({ traces, bytes: 20_000 });
  const withScorers = (scorers: readonly BenchScorer[], options: Options) =>
    runWith({ ...context, workload }, { scorers, ...options });
  /** What a compiler still warms up for is not counted. */
  const cpuOf = (scorers: readonly BenchScorer[]) =>
    runWith({ ...context, workload, passes: context.passes + 3 }, { scorers, delayMs: 0 });
  const [judge, code] = [judges.slice(0, 1), codeScorers.slice(0, 1)];
  const waiting = await withScorers(judge, { delayMs });
  const small = await withScorers(judge, { delayMs, execArgv: [`--max-old-space-size=${heapMb}`] });
  const oneJudge = await cpuOf(judge);
  const allJudges = await cpuOf(judges);
  const oneCode = await cpuOf(code);
  const allCode = await cpuOf(codeScorers);
  return {
    model: { delayMs },
    waiting,
    small: { ...small, heapMb },
    furtherJudgeCpuMs: (allJudges.cpuMsPerTrace - oneJudge.cpuMsPerTrace) / (judges.length - 1),
    code: oneCode,
    furtherCodeCpuMs: (allCode.cpuMsPerTrace - oneCode.cpuMsPerTrace) / (codeScorers.length - 1),
  };
}

interface Options {
  readonly delayMs: number;
  readonly execArgv?: readonly string[];
}

interface Processes {
  readonly receive: FunctionProcess;
  readonly index: FunctionProcess;
  readonly score: FunctionProcess;
}

async function runWith(
  { stack, aws, workload, passes }: { stack: BenchStack; aws: FakeAws; workload: Workload; passes: number },
  { scorers, delayMs: delay, execArgv = [] }: Options & { scorers: readonly BenchScorer[] },
): Promise<JudgingResult> {
  putRules({ aws, stack }, { scorers, rate: 1 });
  const model = new ModelProcess({ delayMs: delay });
  const processes: Processes = {
    receive: startProcess(stack, 'receive-traces'),
    index: startProcess(stack, 'index-traces'),
    score: startProcess(stack, 'run-scorers', { environment: await model.environment(), execArgv }),
  };
  try {
    await Promise.all(Object.values(processes).map(({ initCpu }) => initCpu));
    const results: JudgingResult[] = [];
    for (let pass = 0; pass < passes; pass++) {
      aws.forgetTraces();
      results.push(await onePass(processes, { stack, aws, workload, scorers: scorers.length }));
    }
    const { requests, refused, most_in_flight: mostInFlight } = await model.seen();
    if (refused.length > 0) throw new Error(`of ${requests} requests the model refused ${JSON.stringify(refused[0])}`);
    return { ...worstAndBest(results), mostInFlight };
  } finally {
    await Promise.all([...Object.values(processes), model].map((each) => each.stop()));
  }
}

async function onePass(
  processes: Processes,
  { stack, aws, workload, scorers }: { stack: BenchStack; aws: FakeAws; workload: Workload; scorers: number },
): Promise<JudgingResult> {
  await receive(processes.receive, workload.bodies);
  await drain(processes.index, { aws, stack, queue: 'Arrivals' });
  const { cpuSeconds, wallSeconds, peakBytes, invocations } = await drain(processes.score, {
    aws,
    stack,
    queue: 'Evaluations',
  });
  const judged = aws.dynamodb
    .items((partitionKey) => partitionKey.startsWith('tr-'))
    .filter(({ sk, value, error }) => sk && 'S' in sk && sk.S.startsWith('assessment#') && value && !error);
  const byTrace = Map.groupBy(judged, ({ pk }) => JSON.stringify(pk));
  const whole = [...byTrace.values()].filter(({ length }) => length === scorers).length;
  return {
    traces,
    wallSeconds,
    cpuMsPerTrace: (cpuSeconds * 1000) / traces,
    mostInFlight: 0,
    peakBytes,
    lost: traces - whole,
    invocations,
  };
}

function worstAndBest(results: readonly JudgingResult[]): JudgingResult {
  const most = (of: (result: JudgingResult) => number) => Math.max(...results.map(of));
  const [first] = results;
  if (!first) throw new Error('no pass was run');
  return {
    ...first,
    wallSeconds: most(({ wallSeconds }) => wallSeconds),
    cpuMsPerTrace: Math.min(...results.map(({ cpuMsPerTrace }) => cpuMsPerTrace)),
    peakBytes: most(({ peakBytes }) => peakBytes),
    lost: most(({ lost }) => lost),
  };
}
