import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { costAtRest, costPerMillion } from './cost.ts';
import { FakeAws } from './fake-aws.ts';
import { filterDecisions } from './filter-decisions.ts';
import { FunctionProcess } from './function-process.ts';
import { type BenchStack, benchStack } from './functions.ts';
import { judgeTokens } from './judge-tokens.ts';
import { localThroughput } from './local-throughput.ts';
import { ownWork } from './own-work.ts';
import { printReport, type Report } from './report.ts';
import { putRules } from './rules.ts';
import { runBackfills } from './run-backfills.ts';
import { runJudging } from './run-judging.ts';
import { type PipelineResult, runPipeline } from './run-pipeline.ts';
import { runReads } from './run-reads.ts';
import { sandboxFigures } from './sandboxes.ts';
import { standardWorkloads, type Workload } from './workloads.ts';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    out: { type: 'string', default: 'bench-results.json' },
    'no-local': { type: 'boolean', default: false },
  },
});

/** The case of a fifth of a stack's life: three heuristics that judge a tenth of the traces. */
const sampledRate = 0.1;
const initRuns = 5;
/** Traces in the store when reads are measured. */
const storeSizes = [1_000, 8_000, 50_000];

const scorers = [
  { name: 'error-free', definition: { assay_heuristic: { type: 'error_free' } } },
  { name: 'pii', definition: { assay_heuristic: { type: 'pii' } } },
  { name: 'length', definition: { assay_heuristic: { type: 'response_length', max: 2_000 } } },
];
/** Access log lines and what the platform logs of an invocation, about. */
const accessLogBytes = 350;
const platformLogBytes = 600;

const folder = mkdtempSync(join(tmpdir(), 'assay-bench-'));
try {
  const report = await bench();
  printReport(report);
  writeFileSync(options.out, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`\nwritten to ${options.out}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function bench(): Promise<Report> {
  const traces = options.quick ? 400 : 2_000;
  const passes = options.quick ? 2 : 4;
  const { aws, stack } = await fakeStack();
  const sizes = standardWorkloads(folder, { traces });
  const single = standardWorkloads(folder, { traces: Math.ceil(traces / 4), tracesPerRequest: 1 })[1] as Workload;
  const withRules = <T>(rate: number, run: () => Promise<T>) => {
    putRules({ aws, stack }, { scorers, rate });
    return run();
  };
  const pipelines = [];
  for (const workload of sizes) {
    progress(`${workload.name} a trace, nothing sampled`);
    const unsampled = await withRules(0, () => runPipeline({ stack, aws, workload, passes }));
    progress(`${workload.name} a trace, ${sampledRate * 100} % sampled`);
    const sampled = await withRules(sampledRate, () => runPipeline({ stack, aws, workload, passes: 1 }));
    pipelines.push({
      workload: workload.name,
      source: workload.source,
      unsampled,
      sampled,
      own: await ownWork(workload),
    });
  }
  progress('20 KB a trace, one a request');
  const alone = await withRules(0, () => runPipeline({ stack, aws, workload: single, passes: 1 }));
  progress('reads');
  const reads = await runReads({ stack, aws, sizes: options.quick ? storeSizes.slice(0, 2) : storeSizes, passes });
  progress('backfills');
  const backfills = await runBackfills({ stack, aws, traces: options.quick ? 5_000 : 20_000, passes });
  progress('filters');
  const filters = filterDecisions();
  progress('initialisation');
  const functions = await initialisation(stack);
  const twenty = pipelines.find(({ workload }) => workload === '20 KB');
  if (!twenty) throw new Error('no workload of 20 KB');
  progress('judges');
  const judging = await runJudging({ stack, aws, passes });
  progress("users' code");
  const sandboxes = await sandboxFigures({ quick: options.quick });
  progress('through the local stack');
  const local = options['no-local'] ? undefined : await localThroughput(sizes[1] as Workload);
  await aws.close();
  return {
    pipelines,
    functions,
    filters,
    reads,
    backfills,
    cost: {
      perMillionAt20: costPerMillion(consumption(twenty.unsampled, stack)),
      perMillionAt1: costPerMillion(consumption(alone, stack)),
      perMillionSampled: costPerMillion(consumption(twenty.sampled, stack)),
      atRestPerMonth: costAtRest(stack.deployment.resources),
    },
    judging,
    judgeTokens: await judgeTokens(),
    sandboxes,
    ...(local && { local }),
  };
}

function progress(what: string): void {
  process.stderr.write(`… ${what}\n`);
}

/** The fake must listen before the stack can be named after its address. */
async function fakeStack(): Promise<{ aws: FakeAws; stack: BenchStack }> {
  const aws = new FakeAws();
  const port = await aws.listen();
  const stack = await benchStack(`http://127.0.0.1:${port}`);
  aws.knowTables(stack.tables);
  return { aws, stack };
}

async function initialisation(stack: BenchStack): Promise<Report['functions']> {
  const measured = [];
  for (const each of stack.functions.values()) {
    const runs: number[] = [];
    for (let i = 0; i < initRuns; i++) {
      const process = new FunctionProcess(each);
      runs.push((await process.initCpu) * 1000);
      await process.stop();
    }
    measured.push({
      name: each.name,
      initCpuMs: runs.toSorted((a, b) => a - b)[initRuns >> 1] ?? 0,
      bundleBytes: each.bundleBytes,
    });
  }
  return measured;
}

function consumption(result: PipelineResult, stack: BenchStack) {
  const functions = Object.entries(result.stages).map(([name, { cpuMsPerTrace, invocations }]) => ({
    name,
    cpuSeconds: (cpuMsPerTrace * result.traces) / 1000,
    invocations,
    memoryMb: stack.functions.get(name)?.memoryMb ?? 0,
  }));
  const invocations = functions.reduce((sum, each) => sum + each.invocations, 0);
  return { ...result, functions, logBytes: result.requests * accessLogBytes + invocations * platformLogBytes };
}
