import { executionArn } from './arns.ts';
import { withinTime } from './clock.ts';
import type { Definition } from './definition.ts';
import type { ExecutionLog } from './execution-log.ts';
import type { MapRun } from './map-run.ts';
import type { End, Status } from './recorded.ts';
import type { MachineIdentity, Run } from './run.ts';
import { runFlow } from './run-flow.ts';
import { Interruption, StateError } from './state-error.ts';
import { iso } from './times.ts';

export interface Machine extends MachineIdentity {
  readonly definition: Definition;
}

/** What executions are run with. */
export type Surroundings = Pick<Run, 'calls' | 'clock' | 'chance' | 'longestWaitSeconds'> & {
  readonly failed: (error: unknown) => void;
};

/** A STANDARD execution of a machine, with all that its log says. */
export class Execution {
  readonly machine: Machine;
  readonly log: ExecutionLog;
  readonly mapRuns = new Map<string, MapRun>();
  readonly #surroundings: Surroundings;
  #interruption = new AbortController();
  #work: Promise<void> = Promise.resolve();

  constructor(machine: Machine, { log, surroundings }: { log: ExecutionLog; surroundings: Surroundings }) {
    this.machine = machine;
    this.log = log;
    this.#surroundings = surroundings;
  }

  get arn(): string {
    return executionArn(this.machine.arn, this.log.recorded.name);
  }

  get status(): Status {
    return this.log.recorded.end?.status ?? 'RUNNING';
  }

  start(name: string, input: string): void {
    const at = this.#surroundings.clock.now();
    this.log.add({ kind: 'started', name, input, at });
    const details = { executionStartedEventDetails: { input, roleArn: this.machine.roleArn } };
    this.log.event('ExecutionStarted', { at, details });
    this.resume();
  }

  /** Goes on where the log ends, by today's definition: addresses in it change with the ports of the stack. */
  resume(): void {
    this.#interruption = new AbortController();
    this.#work = this.#run();
  }

  /** Goes on at the states that did not succeed. */
  redrive(): void {
    const at = this.#surroundings.clock.now();
    this.log.add({ kind: 'redriven', at });
    const details = { executionRedrivenEventDetails: { redriveCount: this.log.recorded.redriveCount } };
    this.log.event('ExecutionRedriven', { at, details });
    this.resume();
  }

  /** Ends it as ABORTED. */
  async stop({ error, cause }: { error?: string | undefined; cause?: string | undefined }): Promise<void> {
    this.#interruption.abort(new Interruption('stopped', { code: error, ...(cause !== undefined && { cause }) }));
    await this.#work;
  }

  /** Leaves it as it is: another process may go on with it. */
  async shutDown(): Promise<void> {
    this.#interruption.abort(new Interruption('shutdown'));
    await this.#work;
  }

  /** Its end, or the next interruption. */
  async settled(): Promise<void> {
    await this.#work;
  }

  async #run(): Promise<void> {
    const { clock, failed } = this.#surroundings;
    const { definition } = this.machine;
    const { input } = this.log.recorded;
    const run = this.#context();
    let end: Omit<End, 'at'>;
    try {
      const output = await withinTime(
        (signal) => runFlow(definition, { run, path: '', input: JSON.parse(input), outer: {}, signal }),
        {
          clock,
          seconds: this.#secondsLeft(),
          signal: this.#interruption.signal,
          timedOut: () => new Interruption('timed-out', { code: 'States.Timeout' }),
        },
      );
      end = { status: 'SUCCEEDED', output: JSON.stringify(output) };
    } catch (error) {
      if (error instanceof Interruption && error.kind === 'shutdown') return;
      if (!(error instanceof Interruption || error instanceof StateError)) failed(error);
      end = endOf(error);
    }
    this.#end({ ...end, at: clock.now() });
  }

  /** Counted from the start, or from the last redrive. */
  #secondsLeft(): number | undefined {
    const { TimeoutSeconds } = this.machine.definition;
    const { startedAt, redrivenAt = startedAt } = this.log.recorded;
    const passed = (this.#surroundings.clock.now() - redrivenAt) / 1000;
    return TimeoutSeconds === undefined ? undefined : Math.max(0, TimeoutSeconds - passed);
  }

  #end(end: End): void {
    const { status, at, output, error, cause } = end;
    const [type, field] = endEvents[status];
    this.log.event(type, { at, details: { [field]: { output, error, cause } } });
    this.log.add({ kind: 'ended', end });
  }

  #context(): Run {
    const { name, input, startedAt, redriveCount, redrivenAt } = this.log.recorded;
    const { clock, calls, chance, longestWaitSeconds } = this.#surroundings;
    return {
      machine: this.machine,
      execution: {
        Id: this.arn,
        Input: JSON.parse(input) as unknown,
        Name: name,
        RoleArn: this.machine.roleArn,
        StartTime: iso(startedAt),
        RedriveCount: redriveCount,
        ...(redrivenAt !== undefined && { RedriveTime: iso(redrivenAt) }),
      },
      log: this.log,
      clock,
      calls,
      chance,
      longestWaitSeconds,
      event: (type, details = {}) => this.log.event(type, { at: clock.now(), details }),
      mapRuns: this.mapRuns,
      runFlow,
    };
  }
}

const endEvents: Readonly<Record<End['status'], readonly [string, string]>> = {
  SUCCEEDED: ['ExecutionSucceeded', 'executionSucceededEventDetails'],
  FAILED: ['ExecutionFailed', 'executionFailedEventDetails'],
  TIMED_OUT: ['ExecutionTimedOut', 'executionTimedOutEventDetails'],
  ABORTED: ['ExecutionAborted', 'executionAbortedEventDetails'],
};

function endOf(error: unknown): Omit<End, 'at'> {
  if (error instanceof StateError) return { status: 'FAILED', error: error.code, cause: error.message };
  if (!(error instanceof Interruption)) return { status: 'FAILED', error: 'States.Runtime', cause: String(error) };
  return {
    status: error.kind === 'timed-out' ? 'TIMED_OUT' : 'ABORTED',
    error: error.code,
    cause: error.message === '' ? undefined : error.message,
  };
}
