import type { Backfill, Slice, SliceDecision, SliceProgress } from '../../../shared/domain/backfilling/backfill.ts';
import { concludeBackfill } from '../../../shared/domain/backfilling/conclude-backfill.ts';
import { cutSlices, sliceSize } from '../../../shared/domain/backfilling/cut-slices.ts';
import { enqueueSlice } from '../../../shared/domain/backfilling/enqueue-slice.ts';
import type { EvaluationKey } from '../../../shared/domain/backfilling/ports.ts';
import { reconcileSlice } from '../../../shared/domain/backfilling/reconcile-slice.ts';
import type { EvaluationOutcome, EvaluationRequest } from '../../../shared/domain/evaluation.ts';
import { InMemoryBackfills } from '../../support/in-memory/in-memory-backfills.ts';
import { InMemoryTraceIndex } from '../../support/in-memory/in-memory-trace-index.ts';
import { Meter } from './meter.ts';
import { SyntheticTraces } from './synthetic-traces.ts';

export interface Simulated {
  readonly traces: number;
  readonly slices: number;
  readonly evaluations: number;
  readonly rounds: number;
  readonly historyEvents: number;
  readonly meter: Meter;
  /** Virtual, seconds. */
  readonly planSeconds: number;
  readonly enqueueSeconds: number;
  readonly queueSeconds: number;
  /** Of this machine's CPU, of the domain's code alone. */
  readonly slicesPlannedPerSecond: number;
  readonly tracesPerSecond: number;
  /** One of so many slices was worked on; the others count as much as it. */
  readonly stride: number;
}

/** Of a call, with what comes back. */
const callMs = 8;
/** As in infra/constructs: slices of a child, children at once, and what their functions have, GB. */
const [slicesPerChild, childrenAtOnce, enqueueGb, reconcileGb, planGb, concludeGb] = [10, 10, 1, 0.5, 1, 0.5];
/** More traces than this are not made up one by one: slices are alike, and every so many stand for all. */
const workedOn = 1_000_000;

/**
 * A backfill of so many traces before a virtual clock: the plan, the slices, the counting and the waits are the product's own code; what
 * is made up is the traces, and judges that work off the queue at a steady rate.
 */
export async function simulate(options: { traces: number; rate: number; judgedPerSecond: number }): Promise<Simulated> {
  const simulation = new Simulation(options);
  return simulation.run();
}

class Simulation {
  readonly #traces: SyntheticTraces;
  readonly #options: { traces: number; rate: number; judgedPerSecond: number };
  readonly #meter = new Meter();
  readonly #stride: number;
  readonly #stores = new InMemoryBackfills(new InMemoryTraceIndex());
  /** Places in the queue. */
  readonly #queued = new Map<string, number>();
  #sent = 0;
  #nowMs = Date.UTC(2026, 10, 21, 12);
  #judgingSince = 0;
  #backfill: Backfill;

  constructor(options: { traces: number; rate: number; judgedPerSecond: number }) {
    this.#options = options;
    this.#traces = new SyntheticTraces(options.traces);
    this.#stride = Math.max(1, Math.round(options.traces / workedOn));
    this.#backfill = {
      backfillId: 'b1',
      experimentId: '7',
      revision: 1,
      scorers: [{ name: 'tone', version: 1, sampleRate: options.rate }],
      ...this.#traces.range,
      mode: 'missing',
      dryRun: false,
      maxConcurrency: childrenAtOnce,
      rulesVersion: 1,
      createdAt: this.#nowMs,
      state: 'running',
      stateAt: this.#nowMs,
      attempt: 1,
    };
  }

  async run(): Promise<Simulated> {
    const planned = await this.#plan();
    const start = this.#nowMs;
    const enqueued = await this.#enqueue(planned.slices);
    this.#judgingSince = start;
    const rounds = await this.#waitForJudges(planned.slices);
    return {
      traces: this.#options.traces,
      slices: planned.slices.length,
      evaluations: this.#sent * this.#stride,
      rounds,
      // A task and a choice are five events, a map four, a wait two.
      historyEvents: 20 + rounds * 16,
      meter: this.#meter,
      planSeconds: planned.seconds,
      enqueueSeconds: enqueued.seconds,
      queueSeconds: (this.#nowMs - start) / 1000,
      slicesPlannedPerSecond: planned.slices.length / planned.cpuSeconds,
      tracesPerSecond: enqueued.found / enqueued.cpuSeconds,
      stride: this.#stride,
    };
  }

  async #plan() {
    const meter = this.#meter;
    const { slices } = this.#traces;
    const count: typeof slices.count = async (partition, limit) => {
      const counted = await slices.count(partition, limit);
      meter.query(counted.traces * 150);
      return counted;
    };
    const cpu = process.cpuUsage();
    const cut = await cutSlices(this.#backfill, { slices: { ...slices, count }, size: sliceSize });
    const cpuSeconds = secondsOf(process.cpuUsage(cpu));
    // The partitions of a day are cut side by side.
    const seconds = (meter.calls * callMs) / 1000 / slices.shards;
    meter.gbSeconds += seconds * planGb;
    meter.s3Puts++;
    // Plan, Planned, and in the end Done.
    meter.transitions += 3;
    const plan = { slicesKey: 'slices', slices: cut.length, traces: this.#options.traces, predictions: [] };
    this.#backfill = { ...this.#backfill, plan };
    await this.#stores.store.create(this.#backfill);
    this.#nowMs += seconds * 1000;
    return { slices: cut, seconds, cpuSeconds };
  }

  async #enqueue(slices: readonly Slice[]) {
    const before = this.#meter.snapshot();
    const cpu = process.cpuUsage();
    const [worked, deps] = [slices.filter(({ id }) => id % this.#stride === 0), this.#working()];
    let [found, seconds] = [0, 0];
    for (let i = 0; i < worked.length; i += slicesPerChild) {
      const calls = this.#meter.calls;
      for (const slice of worked.slice(i, i + slicesPerChild)) {
        found += slice.traces;
        this.#meter.read(1, { bytes: 1_000, consistent: true });
        await enqueueSlice(slice, { backfill: this.#backfill, deps });
      }
      const childSeconds = ((this.#meter.calls - calls) * callMs) / 1000;
      this.#meter.child(childSeconds, enqueueGb);
      seconds += childSeconds;
    }
    const cpuSeconds = secondsOf(process.cpuUsage(cpu));
    this.#meter.scaledFrom(before, slices.length / worked.length);
    seconds = (seconds * slices.length) / worked.length / childrenAtOnce;
    this.#meter.transitions++;
    this.#nowMs += seconds * 1000;
    return { seconds, found, cpuSeconds };
  }

  async #waitForJudges(slices: readonly Slice[]): Promise<number> {
    const worked = slices.filter(({ id }) => id % this.#stride === 0);
    for (let round = 0; ; round++) {
      const ref = { experimentId: '7', backfillId: 'b1', attempt: 1 };
      const step = await concludeBackfill(ref, { round, deps: this.#concluding(slices.length / worked.length) });
      this.#meter.transitions += 2;
      const pages = (slices.length * 400) / 2 ** 20;
      this.#meter.gbSeconds += (1 + Math.ceil(pages)) * 0.05 * concludeGb;
      this.#meter.query(slices.length * 400 * 2);
      if (step.next !== 'wait') return round;
      this.#nowMs += step.seconds * 1000;
      this.#meter.transitions += 2;
      await this.#reconcile(worked, slices.length / worked.length);
    }
  }

  async #reconcile(worked: readonly Slice[], factor: number): Promise<void> {
    const before = this.#meter.snapshot();
    const deps = this.#working();
    for (let i = 0; i < worked.length; i += slicesPerChild) {
      const calls = this.#meter.calls;
      for (const { id } of worked.slice(i, i + slicesPerChild))
        await reconcileSlice(id, { backfill: this.#backfill, deps });
      // Four slices at once.
      this.#meter.child(((this.#meter.calls - calls) * callMs) / 4_000 + 0.05, reconcileGb);
    }
    this.#meter.scaledFrom(before, factor);
  }

  #working() {
    const { progress, decisions } = this.#stores;
    const [meter, stores] = [this.#meter, this.#traces];
    const metered =
      <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>, note: (result: R) => void) =>
      async (...args: A) => {
        const result = await call(...args);
        note(result);
        return result;
      };
    return {
      slices: {
        days: metered(stores.slices.days, () => meter.query(3_000)),
        read: metered(stores.slices.read, (found) => meter.query(found.length * 150)),
      },
      index: {
        getInfos: async (ids: readonly string[]) => {
          for (let i = 0; i < ids.length; i += 100)
            meter.read(Math.min(100, ids.length - i), { bytes: 1_500, consistent: true });
          return new Map(ids.map((id) => [id, stores.infoOf(id)]));
        },
        readTrace: async () => undefined,
      },
      evaluations: { outcomesOf: async (keys: readonly EvaluationKey[]) => this.#outcomesOf(keys) },
      assessments: { listAll: async () => new Map() },
      segments: { readBlock: async () => new Uint8Array() },
      codec: { decode: () => [], merge: () => new Uint8Array(), decompress: () => new Uint8Array() },
      decisions: {
        get: metered(decisions.get, () => void meter.s3Gets++),
        put: metered(
          (...args: Parameters<typeof decisions.put>): Promise<SliceDecision> => decisions.put(...args),
          () => void meter.s3Puts++,
        ),
      },
      progress: {
        get: metered(progress.get, () => meter.read(1, { bytes: 400, consistent: true })),
        put: metered(progress.put, () => meter.write(400)),
      },
      queue: { request: async (requests: readonly EvaluationRequest[]) => this.#send(requests) },
      now: () => this.#nowMs,
    };
  }

  #send(requests: readonly EvaluationRequest[]): void {
    this.#meter.messages(requests.length);
    for (const { traceId } of requests) this.#queued.set(traceId, this.#sent++ * this.#stride);
  }

  #outcomesOf(keys: readonly EvaluationKey[]): readonly EvaluationOutcome[] {
    for (let i = 0; i < keys.length; i += 100) this.#meter.read(Math.min(100, keys.length - i), { bytes: 300 });
    const judged =
      this.#judgingSince === 0 ? 0 : ((this.#nowMs - this.#judgingSince) / 1000) * this.#options.judgedPerSecond;
    return keys.flatMap((key) => {
      const place = this.#queued.get(key.traceId) ?? Number.POSITIVE_INFINITY;
      const spent = { usd: 0.001, tokens: 800 };
      return place < judged
        ? [{ ...key, state: 'done' as const, revision: 1, finishedAt: 0, backfillId: 'b1', spent }]
        : [];
    });
  }

  #concluding(factor: number) {
    const { store, coverage, progress } = this.#stores;
    return {
      backfills: store,
      coverage,
      // Each slice that was worked on stands for those that were not.
      progress: { list: (id: string) => repeated(progress.list(id), factor) },
      scorers: { get: async () => ({ name: 'tone' }) as never },
      now: () => this.#nowMs,
    };
  }
}

async function* repeated(slices: AsyncIterable<SliceProgress>, factor: number): AsyncGenerator<SliceProgress> {
  let owed = 0;
  for await (const slice of slices) for (owed += factor; owed >= 1 - 1e-9; owed--) yield slice;
}

function secondsOf({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1e6;
}
