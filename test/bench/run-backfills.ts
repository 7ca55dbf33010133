import { marshall } from '@aws-sdk/util-dynamodb';
import { anyEvaluationMessage } from '../../shared/contracts/evaluation-message.ts';
import { toExperimentItem, toScorerItem } from '../../shared/contracts/registry-items.ts';
import { toEvaluationItem } from '../../shared/contracts/trace-item.ts';
import { withVersion } from '../../shared/domain/registering/scorer-head.ts';
import { simulate } from './backfills/simulation.ts';
import { startProcess } from './deliveries.ts';
import type { FakeAws } from './fake-aws.ts';
import type { FunctionProcess, Invoked } from './function-process.ts';
import type { BenchStack } from './functions.ts';
import type { WireItem } from './item-size.ts';
import { experimentId, newest, StoredTraces } from './stored-traces.ts';

/** What the functions of a backfill took, before its evaluations are judged and after it. */
interface BackfillResult {
  readonly rate: number;
  readonly evaluations: number;
  /** Traces of the slices, decided about and asked for, a second of CPU. */
  readonly enqueuedPerCpuSecond: number;
  /** Traces of the slices, counted when all were judged, a second of CPU. */
  readonly reconciledPerCpuSecond: number;
  /** Of the plan, the slices and one counting. */
  readonly callsPerMillion: number;
  readonly readUnitsPerMillion: number;
  /** The most that a function which works on slices has held in memory. */
  readonly largestChildBytes: number;
}

export interface BackfillFigures {
  readonly traces: number;
  readonly slices: number;
  /** The prediction included, which decides about a thousand traces. */
  readonly planCpuMs: number;
  readonly slicesPerCpuSecond: number;
  readonly runs: readonly BackfillResult[];
  /** US$ a million traces, judging aside, of backfills of so many. */
  readonly prices: readonly { readonly traces: number; readonly usdPerMillion: number }[];
}

interface Context {
  readonly stack: BenchStack;
  readonly aws: FakeAws;
  readonly traces: number;
}

/** As the map hands them to a child. */
const slicesPerChild = 10;
/** A tenth, which is what people sample; and all, of which a child has the most in its hands. */
const rates = [0.1, 1];
const input = {
  experiment_id: experimentId,
  start_time: new Date(newest - 60 * 86_400_000).toISOString(),
  end_time: new Date(newest).toISOString(),
};

/** Runs backfills of stored traces with the bundled functions; what is judged in between is written as outcomes. */
export async function runBackfills(context: Context & { readonly passes: number }): Promise<BackfillFigures> {
  const { stack, aws, traces, passes } = context;
  const { TRACES_TABLE: table = '', TRACE_STORE_BUCKET: bucket = '' } =
    stack.functions.get('plan-backfill')?.environment ?? {};
  aws.forgetTraces();
  new StoredTraces(aws, { table, bucket }).growTo(traces);
  putScorers(context);
  const plan = startProcess(stack, 'plan-backfill');
  try {
    await plan.initCpu;
    const dry = await leastPlan(plan, passes);
    const runs: BackfillResult[] = [];
    for (const rate of rates) runs.push(await runBackfill(rate, { ...context, plan }));
    return { traces, ...dry, runs, prices: await prices() };
  } finally {
    await plan.stop();
  }
}

function scorerOf(rate: number): string {
  return `rate-${rate}`;
}

/** An experiment with a scorer for each backfill: two of one scorer would be in each other's way. */
function putScorers({ stack, aws }: Context): void {
  const registry = stack.deployment.outputs.get('RegistryTable') ?? '';
  const heads = rates.map(scorerOf).map((name) => {
    const definition = { name, serialization_version: 1, assay_heuristic: { type: 'error_free' } };
    const serialized = JSON.stringify(definition);
    return toScorerItem(withVersion(undefined, { experimentId, name, serialized, createdAt: 0 }));
  });
  const experiment = { experimentId, name: 'bench', lifecycleStage: 'active', tags: {}, createdAt: 0, updatedAt: 0 };
  for (const item of [toExperimentItem(experiment as never), ...heads])
    aws.dynamodb.put(registry, marshall(item, { removeUndefinedValues: true }) as unknown as WireItem);
}

interface Planned {
  readonly state: string;
  readonly slices: number;
  readonly slicesKey: string;
}

async function planned(plan: FunctionProcess, event: object): Promise<{ answer: Planned; invoked: Invoked }> {
  const invoked = await plan.invokeAll([event]);
  const [answer] = invoked.results as [Planned];
  if (answer.slicesKey === undefined) throw new Error(`the plan was refused: ${JSON.stringify(answer)}`);
  return { answer, invoked };
}

/** Dry runs, which keep nobody away; of several the one that took least, after one that warms up. */
async function leastPlan(plan: FunctionProcess, passes: number) {
  const scorers = [{ name: scorerOf(0.1), sample_rate: 0.1 }];
  let [least, slices] = [Number.POSITIVE_INFINITY, 0];
  for (let pass = -1; pass < passes; pass++) {
    const { answer, invoked } = await planned(plan, {
      execution: `dry-${pass}`,
      input: { ...input, scorers, dry_run: true },
    });
    if (pass >= 0) least = Math.min(least, invoked.cpuSeconds);
    slices = answer.slices;
  }
  return { slices, planCpuMs: least * 1000, slicesPerCpuSecond: slices / least };
}

async function runBackfill(
  rate: number,
  { stack, aws, traces, plan }: Context & { readonly plan: FunctionProcess },
): Promise<BackfillResult> {
  const backfillId = scorerOf(rate);
  const scorers = [{ name: scorerOf(rate), sample_rate: rate }];
  const workers = ['enqueue-backfill-slice', 'reconcile-backfill-slice', 'conclude-backfill'].map((name) =>
    startProcess(stack, name),
  );
  const [enqueue, reconcile, conclude] = workers as [FunctionProcess, FunctionProcess, FunctionProcess];
  try {
    await Promise.all(workers.map(({ initCpu }) => initCpu));
    const meter = meterOf(aws);
    const { answer } = await planned(plan, { execution: backfillId, input: { ...input, scorers } });
    const ref = { experimentId, backfillId, attempt: 1 };
    const children = childrenOf(answer, { aws, ref });
    const asked = await enqueue.invokeAll(children);
    meter.pause();
    const evaluations = judge({ stack, aws, backfillId });
    meter.resume();
    const counted = await reconcile.invokeAll(children);
    const { results } = await conclude.invokeAll([{ ...ref, round: 0 }]);
    meter.pause();
    const [end] = results as [{ state?: string }];
    if (end.state !== 'finished') throw new Error(`the backfill ended as ${JSON.stringify(end)}`);
    return {
      rate,
      evaluations,
      enqueuedPerCpuSecond: traces / asked.cpuSeconds,
      reconciledPerCpuSecond: traces / counted.cpuSeconds,
      callsPerMillion: (meter.calls / traces) * 1e6,
      readUnitsPerMillion: (meter.readUnits / traces) * 1e6,
      largestChildBytes: Math.max(asked.peakBytes, counted.peakBytes),
    };
  } finally {
    await Promise.all(workers.map((each) => each.stop()));
  }
}

/** The file of slices, in the batches that Step Functions makes of it. */
function childrenOf({ slicesKey }: Planned, { aws, ref }: { aws: FakeAws; ref: object }): readonly object[] {
  const [, file] = [...aws.objects].find(([key]) => key.endsWith(`/${slicesKey}`)) ?? [];
  const slices = String(file).trim().split('\n');
  return Array.from({ length: Math.ceil(slices.length / slicesPerChild) }, (_, i) => ({
    BatchInput: ref,
    Items: slices.slice(i * slicesPerChild, (i + 1) * slicesPerChild).map((line) => JSON.parse(line)),
  }));
}

/** Every evaluation in the queue has ended well; answers how many they are. */
function judge({ stack, aws, backfillId }: { stack: BenchStack; aws: FakeAws; backfillId: string }): number {
  const table = stack.deployment.outputs.get('TracesTable') ?? '';
  const messages = aws.takeFrom('Backfill').map((body) => anyEvaluationMessage.parse(JSON.parse(body)));
  for (const message of messages) {
    if (message.kind !== 'trace') throw new Error('a backfill asks for traces');
    for (const { name, version } of message.scorers) {
      const about = { traceId: message.traceId, scorerName: name, scorerVersion: version, revision: message.revision };
      const ended = { state: 'done' as const, finishedAt: newest, backfillId, spent: { usd: 0.001, tokens: 800 } };
      const item = toEvaluationItem({ ...about, ...ended }, 30);
      aws.dynamodb.put(table, marshall(item, { removeUndefinedValues: true }) as unknown as WireItem);
    }
  }
  return messages.length;
}

/** Counts calls while it runs: what judges call is not of the backfill. */
function meterOf(aws: FakeAws) {
  const seen = () => ({
    calls: Object.values(aws.counts).reduce((sum, { calls }) => sum + calls, 0),
    readUnits: aws.dynamodb.consumed.readUnits,
  });
  let from = seen();
  const meter = {
    calls: 0,
    readUnits: 0,
    pause() {
      const now = seen();
      meter.calls += now.calls - from.calls;
      meter.readUnits += now.readUnits - from.readUnits;
    },
    resume() {
      from = seen();
    },
  };
  return meter;
}

/** By the simulation, whose calls take their time. */
async function prices(): Promise<BackfillFigures['prices']> {
  const sizes = [10_000, 1_000_000];
  const found = [];
  for (const traces of sizes) {
    const { meter } = await simulate({ traces, rate: 0.1, judgedPerSecond: 33 });
    const usd = Object.values(meter.price()).reduce((sum, part) => sum + part, 0);
    found.push({ traces, usdPerMillion: (usd / traces) * 1e6 });
  }
  return found;
}
