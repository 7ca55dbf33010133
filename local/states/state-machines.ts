import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { AwsError } from '../gateway/aws-error.ts';
import type { InProcessService } from '../gateway/gateway.ts';
import { childMachineArn, executionArn, mapRunArn } from './arns.ts';
import { Execution, type Machine, type Surroundings } from './execution.ts';
import { ExecutionLog } from './execution-log.ts';
import type { MapRunRecord, Status } from './recorded.ts';
import { described, describedMapRun, historyOf, listedChild, listedExecution } from './replies.ts';
import { maxPayloadBytes } from './state-error.ts';
import { seconds } from './times.ts';

type Input = Readonly<Record<string, unknown>>;

/** A machine with what its executions are run with: their calls are those of its role. */
export interface LocalMachine extends Machine {
  readonly surroundings: Surroundings;
}

interface StateMachinesOptions {
  readonly machines: readonly LocalMachine[];
  /** Keeps executions there; without it they end with the process. */
  readonly folder?: string | undefined;
}

interface ExecutionSummary {
  readonly arn: string;
  readonly status: Status;
  /** States entered and retries of STANDARD workflows. */
  readonly transitions: number;
  /** EXPRESS workflows that a distributed map ran. */
  readonly expressRequests: number;
}

/** Step Functions for the machines of the template: its API, and the executions behind it. */
export class StateMachines {
  readonly #machines: readonly LocalMachine[];
  readonly #folder: string | undefined;
  readonly #executions = new Map<string, Execution>();

  constructor({ machines, folder }: StateMachinesOptions) {
    this.#machines = machines;
    this.#folder = folder;
    for (const machine of machines) for (const name of this.#kept(machine)) this.#restore(machine, name);
  }

  /** Goes on with what was running when the process before this one ended. */
  resume(): void {
    for (const execution of this.executions) if (execution.status === 'RUNNING') execution.resume();
  }

  get executions(): readonly Execution[] {
    return [...this.#executions.values()];
  }

  execution(arn: string): Execution {
    const execution = this.#executions.get(arn);
    if (!execution) throw new AwsError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);
    return execution;
  }

  /** Executions, and what AWS would bill for them. */
  summaries(): readonly ExecutionSummary[] {
    return this.executions.map(({ arn, status, log }) => {
      const { transitions, expressRequests } = log.recorded;
      return { arn, status, transitions, expressRequests };
    });
  }

  async shutDown(): Promise<void> {
    await Promise.all(this.executions.map((execution) => execution.shutDown()));
  }

  readonly service: InProcessService = async (operation, input) => {
    const run = this.#operations[operation];
    if (!run) throw new AwsError('UnknownOperationException', `the local Step Functions has no ${operation}`);
    return run(input);
  };

  readonly #operations: Readonly<Record<string, (input: Input) => unknown>> = {
    StartExecution: (input) => this.#start(input),
    DescribeExecution: ({ executionArn }) => described(this.execution(String(executionArn))),
    StopExecution: async ({ executionArn, error, cause }) => {
      const execution = this.execution(String(executionArn));
      if (execution.status === 'RUNNING') await execution.stop({ error: text(error), cause: text(cause) });
      return { stopDate: seconds(execution.log.recorded.end?.at ?? 0) };
    },
    ListExecutions: (input) => this.#list(input),
    GetExecutionHistory: (input) => historyOf(this.execution(String(input.executionArn)), input),
    RedriveExecution: ({ executionArn }) => this.#redrive(this.execution(String(executionArn))),
    ListMapRuns: ({ executionArn }) => {
      const execution = this.execution(String(executionArn));
      const records = [...execution.log.recorded.mapRuns.values()];
      return { mapRuns: records.map((record) => listedMapRun(record, execution)) };
    },
    DescribeMapRun: ({ mapRunArn: arn }) => {
      const { execution, record } = this.#mapRun(arn);
      return describedMapRun(record, execution);
    },
    UpdateMapRun: (input) => this.#updateMapRun(input),
    DescribeStateMachine: ({ stateMachineArn }) => {
      const { arn, name, roleArn, definition } = this.#machine(stateMachineArn);
      const status = { status: 'ACTIVE', type: 'STANDARD', creationDate: 0 };
      return { stateMachineArn: arn, name, roleArn, definition: JSON.stringify(definition), ...status };
    },
    ListStateMachines: () => ({
      stateMachines: this.#machines.map(({ arn, name }) => ({
        stateMachineArn: arn,
        name,
        type: 'STANDARD',
        creationDate: 0,
      })),
    }),
  };

  /** The name is the key: API reference, "StartExecution". */
  #start({ stateMachineArn, name = crypto.randomUUID(), input = '{}' }: Input): unknown {
    const machine = this.#machine(stateMachineArn);
    const given = { name: String(name), input: String(input) };
    checkStart(given);
    const known = this.#executions.get(executionArn(machine.arn, given.name));
    const execution = known ?? this.#add(machine, given.name);
    if (!known) execution.start(given.name, given.input);
    else if (known.status !== 'RUNNING' || known.log.recorded.input !== given.input)
      throw new AwsError('ExecutionAlreadyExists', `Execution Already Exists: '${known.arn}'`);
    return { executionArn: execution.arn, startDate: seconds(execution.log.recorded.startedAt) };
  }

  #redrive(execution: Execution): unknown {
    if (execution.status === 'RUNNING' || execution.status === 'SUCCEEDED')
      throw new AwsError(
        'ExecutionNotRedrivable',
        `Execution is not redrivable: Execution is ${execution.status} and cannot be redriven`,
      );
    execution.redrive();
    return { redriveDate: seconds(execution.log.recorded.redrivenAt ?? 0) };
  }

  #list({ stateMachineArn, mapRunArn: arn, statusFilter, maxResults = 100, nextToken }: Input): unknown {
    const all = arn === undefined ? this.#listed(stateMachineArn) : this.#children(arn);
    const matching = all.filter(({ status }) => statusFilter === undefined || status === statusFilter);
    const from = Number(nextToken ?? 0);
    const next = from + Number(maxResults || 100);
    return {
      executions: matching.slice(from, next),
      ...(next < matching.length && { nextToken: String(next) }),
    };
  }

  #listed(stateMachineArn: unknown): readonly { readonly status: string }[] {
    const { arn } = this.#machine(stateMachineArn);
    const own = this.executions.filter(({ machine }) => machine.arn === arn);
    return own.toSorted((a, b) => b.log.recorded.startedAt - a.log.recorded.startedAt).map(listedExecution);
  }

  #children(arn: unknown): readonly { readonly status: string }[] {
    const { execution, record } = this.#mapRun(arn);
    const of = childMachineArn(execution.machine.arn, record);
    return [...record.ends].map(([index, end]) => listedChild(record, { index, end, childMachineArn: of }));
  }

  #updateMapRun({ mapRunArn: arn, maxConcurrency, toleratedFailureCount, toleratedFailurePercentage }: Input): unknown {
    const { execution, record } = this.#mapRun(arn);
    const number = (value: unknown) => (value === undefined ? undefined : Number(value));
    const settings = {
      maxConcurrency: number(maxConcurrency) ?? record.settings.maxConcurrency,
      toleratedFailureCount: number(toleratedFailureCount) ?? record.settings.toleratedFailureCount,
      toleratedFailurePercentage: number(toleratedFailurePercentage) ?? record.settings.toleratedFailurePercentage,
    };
    execution.log.add({ kind: 'map-run-changed', id: record.id, settings });
    execution.mapRuns.get(record.id)?.changed();
    return {};
  }

  #mapRun(arn: unknown): { execution: Execution; record: MapRunRecord } {
    for (const execution of this.executions)
      for (const record of execution.log.recorded.mapRuns.values())
        if (mapRunArn(execution.machine.arn, record) === arn) return { execution, record };
    throw new AwsError('ResourceNotFound', `Resource not found: '${String(arn)}'`);
  }

  #machine(arn: unknown): LocalMachine {
    const machine = this.#machines.find((known) => known.arn === arn);
    if (!machine) throw new AwsError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${String(arn)}'`);
    return machine;
  }

  #kept({ name }: LocalMachine): readonly string[] {
    const folder = this.#folder === undefined ? undefined : join(this.#folder, name);
    if (folder === undefined || !existsSync(folder)) return [];
    return readdirSync(folder).map((file) => decodeURIComponent(file.replace(/\.jsonl$/, '')));
  }

  #restore(machine: LocalMachine, name: string): void {
    const execution = this.#add(machine, name);
    // Killed while it wrote its first line: whoever started it has no answer and starts it again.
    if (execution.log.recorded.name === '') this.#executions.delete(executionArn(machine.arn, name));
  }

  #add(machine: LocalMachine, name: string): Execution {
    const file = this.#folder && join(this.#folder, machine.name, `${encodeURIComponent(name)}.jsonl`);
    const execution = new Execution(machine, { log: new ExecutionLog(file), surroundings: machine.surroundings });
    this.#executions.set(executionArn(machine.arn, name), execution);
    return execution;
  }
}

function text(value: unknown): string | undefined {
  return value === undefined || value === null ? undefined : String(value);
}

function listedMapRun(record: MapRunRecord, execution: Execution): unknown {
  return {
    executionArn: execution.arn,
    mapRunArn: mapRunArn(execution.machine.arn, record),
    stateMachineArn: childMachineArn(execution.machine.arn, record),
    startDate: seconds(record.startedAt),
    ...(record.stoppedAt !== undefined && { stopDate: seconds(record.stoppedAt) }),
  };
}

function checkStart({ name, input }: { name: string; input: string }): void {
  // White space, brackets, wildcards and what has a meaning in ARNs, URLs or JSON are not in names.
  if (!/^[^\s<>{}[\]?*"#%\\^|~`$&,;:/\p{Cc}]{1,80}$/u.test(name))
    throw new AwsError('InvalidName', `Invalid Name: '${name}'`);
  try {
    JSON.parse(input);
  } catch (error) {
    throw new AwsError('InvalidExecutionInput', `Invalid State Machine Execution Input: '${(error as Error).message}'`);
  }
  if (Buffer.byteLength(input) > maxPayloadBytes)
    throw new AwsError('InvalidExecutionInput', `the input has more than ${maxPayloadBytes} bytes`);
}
