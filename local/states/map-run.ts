import { childExecutionArn, childMachineArn } from './arns.ts';
import { withinTime } from './clock.ts';
import type { MapState } from './definition.ts';
import { ExecutionLog } from './execution-log.ts';
import { Gate } from './gate.ts';
import { exceedsTolerated } from './map-run-settings.ts';
import { type ChildEnd, childPath, type MapRunRecord } from './recorded.ts';
import type { Frame, Run } from './run.ts';
import { Interruption, StateError } from './state-error.ts';
import { iso } from './times.ts';

/** 10,000 on AWS; here more would only wait for each other. */
const mostChildrenAtOnce = 100;

/** Of an EXPRESS workflow: Step Functions developer guide, "Service quotas". */
const expressSeconds = 5 * 60;

/** Works on the children of a Map Run that have no end yet. */
export class MapRun {
  readonly #record: MapRunRecord;
  readonly #state: MapState;
  readonly #frame: Frame;
  readonly #gate: Gate;
  /** Ends STANDARD children once too many have failed; EXPRESS ones are let finish. */
  readonly #failed = new AbortController();
  readonly #items: number;
  #failedItems: number;
  /** What no child can fail with: an interruption, or a fault in this code. */
  #broken: { readonly error: unknown } | undefined;

  constructor(record: MapRunRecord, { state, frame }: { state: MapState; frame: Frame }) {
    this.#record = record;
    this.#state = state;
    this.#frame = frame;
    this.#gate = new Gate(limitOf(record));
    const count = (children: readonly { readonly items: number }[]) =>
      children.reduce((sum, { items }) => sum + items, 0);
    this.#items = count(record.children);
    this.#failedItems = count(record.children.filter((_, index) => isFailure(record.ends.get(index))));
  }

  /** Children that run. */
  get running(): number {
    return this.#gate.inside;
  }

  /** To be told after the settings have changed. */
  changed(): void {
    this.#gate.limit = limitOf(this.#record);
  }

  /** Runs children until all are done or too many have failed; answers the failure of the state then. */
  async work(): Promise<StateError | undefined> {
    const { children, ends } = this.#record;
    const left = [...children.keys()].filter((index) => !ends.has(index));
    const running = new Set<Promise<void>>();
    try {
      for (const index of left) {
        await this.#gate.enter(this.#frame.signal);
        if (this.#isOver()) {
          this.#gate.leave();
          break;
        }
        const work = this.#finish(index).finally(() => running.delete(work));
        running.add(work);
      }
    } finally {
      await Promise.all(running);
    }
    if (this.#broken) throw this.#broken.error;
    this.#frame.signal.throwIfAborted();
    if (!this.#isOver()) return undefined;
    return new StateError(
      'States.ExceedToleratedFailureThreshold',
      'The specified tolerated failure threshold was exceeded',
    );
  }

  end(status: 'SUCCEEDED' | 'FAILED' | 'ABORTED', error?: StateError): void {
    const { run } = this.#frame;
    run.log.add({ kind: 'map-run-ended', id: this.#record.id, status, at: run.clock.now() });
    if (status === 'SUCCEEDED') run.event('MapRunSucceeded');
    if (error) run.event('MapRunFailed', { mapRunFailedEventDetails: { error: error.code, cause: error.message } });
  }

  /** What is interrupted by the end of this process goes on in the next. */
  endAfter(error: unknown): void {
    if (error instanceof StateError) this.end('FAILED', error);
    if (error instanceof Interruption && error.kind !== 'shutdown') this.end('ABORTED');
  }

  #isOver(): boolean {
    const { settings } = this.#record;
    return this.#broken !== undefined || exceedsTolerated({ failed: this.#failedItems, total: this.#items }, settings);
  }

  async #finish(index: number): Promise<void> {
    const { run, signal } = this.#frame;
    const startedAt = run.clock.now();
    try {
      const end = await this.#run(index).then(
        (output) => ({ status: 'SUCCEEDED' as const, output: JSON.stringify(output) }),
        (error: unknown) => endOf(error, signal),
      );
      const child: ChildEnd = { ...end, startedAt, at: run.clock.now() };
      run.log.add({ kind: 'child-ended', id: this.#record.id, index, end: child });
      if (isFailure(child)) this.#failedItems += this.#record.children[index]?.items ?? 0;
      if (this.#isOver()) this.#failed.abort(new Interruption('sibling-failed'));
    } catch (error) {
      this.#broken ??= { error };
    } finally {
      this.#gate.leave();
    }
  }

  #run(index: number): Promise<unknown> {
    const { run, signal } = this.#frame;
    const { isExpress } = this.#record;
    return withinTime((limited) => run.runFlow(this.#state.ItemProcessor, this.#frameOf(index, limited)), {
      clock: run.clock,
      seconds: isExpress ? expressSeconds : undefined,
      signal: isExpress ? signal : AbortSignal.any([signal, this.#failed.signal]),
      timedOut: () => new Interruption('timed-out', { code: 'States.Timeout' }),
    });
  }

  #frameOf(index: number, signal: AbortSignal): Frame {
    const record = this.#record;
    const { run } = this.#frame;
    const { name, input } = record.children[index] as MapRunRecord['children'][number];
    const arn = childMachineArn(run.machine.arn, record);
    const parsed = JSON.parse(input) as unknown;
    const child: Run = {
      ...run,
      machine: { ...run.machine, arn, name: `${run.machine.name}/${record.label}` },
      execution: {
        Id: childExecutionArn(arn, { name, isExpress: record.isExpress }),
        Input: parsed,
        Name: name,
        RoleArn: run.machine.roleArn,
        StartTime: iso(run.clock.now()),
      },
      // An EXPRESS child is begun anew after an interruption: it keeps nothing.
      log: record.isExpress ? new ExecutionLog() : run.log,
      event: () => 0,
    };
    // Variables of the flows around a distributed map are not seen within it.
    return { run: child, path: childPath(record, index), input: parsed, outer: {}, signal };
  }
}

function isFailure(end: ChildEnd | undefined): boolean {
  return end?.status === 'FAILED' || end?.status === 'TIMED_OUT';
}

function limitOf({ settings }: MapRunRecord): number {
  return Math.min(settings.maxConcurrency || mostChildrenAtOnce, mostChildrenAtOnce);
}

function endOf(error: unknown, signal: AbortSignal): Pick<ChildEnd, 'status' | 'error' | 'cause'> {
  if (error instanceof StateError) return { status: 'FAILED', error: error.code, cause: error.message };
  if (!(error instanceof Interruption) || error.kind === 'shutdown') throw error;
  if (signal.aborted || error.kind !== 'timed-out') return { status: 'ABORTED' };
  return { status: 'TIMED_OUT', error: error.code, cause: error.message };
}
