import { createHandler as createConclude } from '../../../functions/conclude-backfill/create-handler.ts';
import { createHandler as createEnqueue } from '../../../functions/enqueue-backfill-slice/create-handler.ts';
import { createHandler as createReconcile } from '../../../functions/reconcile-backfill-slice/create-handler.ts';
import { archiveQueries } from '../../../shared/contracts/archive-queries.ts';
import { readTraits } from '../../../shared/contracts/serialized-scorer.ts';
import type { Backfill, BackfillRef, Slice } from '../../../shared/domain/backfilling/backfill.ts';
import { askForBackfill, planBackfill } from '../../../shared/domain/backfilling/plan-backfill.ts';
import { type BackfillProgress, readProgress } from '../../../shared/domain/backfilling/progress.ts';
import type { BackfillRequest } from '../../../shared/domain/backfilling/request.ts';
import type { Experiment } from '../../../shared/domain/experiment.ts';
import type { TimeQuery } from '../../../shared/domain/ports.ts';
import { DyingProcess, type Fate } from '../dying-process.ts';
import type { InMemoryStack } from './in-memory-stack.ts';

export interface ExecutionOptions {
  readonly fate?: Fate;
  /** Every call of a function is made a second time. */
  readonly twice?: boolean;
  /** Before each round; what it awaits has happened when the round begins. */
  readonly beforeRound?: (round: number) => Promise<unknown> | unknown;
  /** After each slice that was enqueued. */
  readonly afterSlice?: (sliceId: number) => Promise<unknown> | unknown;
  readonly sliceSize?: number;
  /** Of the trace store; without it nothing ever expires. */
  readonly retentionDays?: number;
}

const maxCalls = 60;

/** Does what the state machine does, by its functions' own handlers: plan, map over slices, conclude, wait, reconcile, conclude. */
export class BackfillExecution {
  readonly #stack: InMemoryStack;
  readonly #options: ExecutionOptions;

  constructor(stack: InMemoryStack, options: ExecutionOptions = {}) {
    this.#stack = stack;
    this.#options = options;
  }

  async start(request: Partial<BackfillRequest>, backfillId = 'b1'): Promise<Backfill> {
    const wanted = { experimentId: '0', scorers: [], mode: 'missing' as const, dryRun: false, ...request };
    const backfill = await this.#call(async (process) =>
      planBackfill(await askForBackfill(wanted, { backfillId, deps: this.planning(process) }), this.planning(process)),
    );
    return this.run(backfill);
  }

  /** From where the slices are enqueued. */
  async run(backfill: Backfill): Promise<Backfill> {
    const ref = refOf(backfill);
    if (backfill.state !== 'running') return backfill;
    await this.#enqueue(backfill);
    for (let round = 0; ; round++) {
      if (round > 3_000) throw new Error('the backfill never ends');
      const step = await this.#call((process) => createConclude(this.concluding(process))({ ...ref, round }));
      if (step.next === 'end') return this.#read(ref);
      if (step.next === 'enqueue') await this.#enqueue(backfill);
      else await this.#wait(step.seconds, { round, backfill });
    }
  }

  async progress(ref: BackfillRef): Promise<BackfillProgress> {
    return readProgress(await this.#read(ref), this.#stack.backfills.progress.list(ref.backfillId));
  }

  concluding(process = new DyingProcess()) {
    const { backfills } = this.#stack;
    return {
      backfills: process.wrap(backfills.store),
      progress: backfills.progress,
      coverage: process.wrap(backfills.coverage),
      scorers: this.#scorers,
      now: () => this.#stack.nowMs,
    };
  }

  async #wait(seconds: number, { round, backfill }: { round: number; backfill: Backfill }): Promise<void> {
    this.#stack.nowMs += seconds * 1000;
    await this.#options.beforeRound?.(round);
    for (const slice of this.#slicesOf(backfill))
      await this.#call((process) => createReconcile(this.working(process))(taskOf(backfill, slice)));
  }

  async #enqueue(backfill: Backfill): Promise<void> {
    for (const slice of this.#slicesOf(backfill)) {
      const { slices } = await this.#call((process) => createEnqueue(this.working(process))(taskOf(backfill, slice)));
      if (slices === 0) return;
      await this.#options.afterSlice?.(slice.id);
    }
  }

  #slicesOf({ plan }: Backfill) {
    return this.#stack.backfills.files.get(plan?.slicesKey ?? '') ?? [];
  }

  async #read(ref: BackfillRef): Promise<Backfill> {
    const backfill = await this.#stack.backfills.store.get(ref);
    if (!backfill) throw new Error(`no backfill ${ref.backfillId}`);
    return backfill;
  }

  /** One that died is called again, as the state machine has it. */
  async #call<T>(work: (process: DyingProcess) => Promise<T>): Promise<T> {
    for (let call = 0; ; call++) {
      const process = new DyingProcess(this.#options.fate);
      try {
        const result = await work(process);
        return this.#options.twice ? await work(new DyingProcess()) : result;
      } catch (error) {
        if (!process.isDead || call > maxCalls) throw error;
      }
    }
  }

  planning(process = new DyingProcess()) {
    const { backfills, rules } = this.#stack;
    const found = async ({ limit }: TimeQuery) =>
      [...this.#stack.index.entries.keys()].slice(0, limit).map((traceId) => ({ traceId, position: '' }));
    return {
      ...this.#stack.deciding(process),
      experiments: { get: async (experimentId: string) => ({ experimentId, lifecycleStage: 'active' }) as Experiment },
      scorers: this.#scorers,
      rules: { current: async () => rules },
      backfills: process.wrap(backfills.store),
      slices: this.#slices(process),
      files: process.wrap(backfills.sliceFiles),
      search: { find: found },
      readTraits,
      now: () => this.#stack.nowMs,
      sliceSize: this.#options.sliceSize ?? 5,
      archive: archiveQueries('assay'),
      locationOf: (backfillId: string) => `s3://store/unloaded/${backfillId}/`,
      retentionDays: this.#options.retentionDays ?? 36_500,
    };
  }

  working(process = new DyingProcess()) {
    const { backfills } = this.#stack;
    return {
      ...this.#stack.deciding(process),
      backfills: process.wrap(backfills.store),
      slices: this.#slices(process),
      decisions: process.wrap(backfills.decisions),
      progress: process.wrap(backfills.progress),
      now: () => this.#stack.nowMs,
    };
  }

  #slices(process: DyingProcess) {
    const { slices } = this.#stack.backfills;
    const { days, count, read } = process.wrap(slices);
    // What is computed cannot die.
    return { shards: slices.shards, enclosing: slices.enclosing, days, count, read };
  }

  get #scorers() {
    const { scorers } = this.#stack;
    const get = async (_: string, name: string, version?: number) =>
      scorers.find((scorer) => scorer.name === name && (version ?? scorer.version) === scorer.version);
    return { get, list: async () => scorers, definition: get };
  }
}

function refOf({ experimentId, backfillId, attempt }: Backfill) {
  return { experimentId, backfillId, attempt };
}

/** What the map gives a function, as it comes over the wire. */
function taskOf(backfill: Backfill, slice: Slice): unknown {
  return JSON.parse(JSON.stringify({ BatchInput: refOf(backfill), Items: [slice] }));
}
