import type { Clock } from '../../../local/states/clock.ts';
import type { Execution } from '../../../local/states/execution.ts';
import { parseDefinition } from '../../../local/states/parse-definition.ts';
import type { RoleCalls } from '../../../local/states/role-calls.ts';
import { StateMachines } from '../../../local/states/state-machines.ts';
import { FakeRoleCalls } from './fake-role-calls.ts';
import { VirtualClock } from './virtual-clock.ts';

const machineArn = 'arn:aws:states:us-east-1:123456789012:stateMachine:Backfill';

export interface TestMachine {
  readonly machines: StateMachines;
  readonly clock: Clock;
  readonly faults: unknown[];
  /** Asks Step Functions; what starts an execution starts one of this machine. */
  ask(operation: string, input?: object): Promise<Answer>;
  /** Starts an execution and waits for its end. */
  run(input?: unknown, name?: string): Promise<Execution>;
}

export interface TestMachineOptions {
  readonly calls?: RoleCalls;
  readonly clock?: Clock;
  readonly folder?: string;
  readonly chance?: () => number;
}

/** Of Step Functions' API: whatever a test looks at. */
type Answer = Readonly<Record<string, unknown>>;

type States = Readonly<Record<string, unknown>>;

/** A definition of these states; the first one is where it starts. */
export function definition(states: States, rest: object = {}): string {
  return JSON.stringify({ QueryLanguage: 'JSONata', StartAt: Object.keys(states)[0], States: states, ...rest });
}

export function aMachine(text: string, options: TestMachineOptions = {}): TestMachine {
  const { calls = new FakeRoleCalls(), clock = new VirtualClock(), folder, chance = () => 0.5 } = options;
  const faults: unknown[] = [];
  const surroundings = {
    ...{ calls, clock, chance, longestWaitSeconds: Number.POSITIVE_INFINITY },
    failed: (error: unknown) => faults.push(error),
  };
  const machine = {
    ...{ arn: machineArn, name: 'Backfill', roleArn: 'arn:aws:iam::123456789012:role/Backfill' },
    definition: parseDefinition(text),
    surroundings,
  };
  const machines = new StateMachines({ machines: [machine], folder });
  const ask = async (operation: string, input: object = {}) =>
    (await machines.service(operation, { stateMachineArn: machineArn, ...input })) as Answer;
  return {
    ...{ machines, clock, faults, ask },
    async run(input = {}, name = 'one') {
      const { executionArn } = await ask('StartExecution', { name, input: JSON.stringify(input) });
      const execution = machines.execution(String(executionArn));
      await execution.settled();
      return execution;
    },
  };
}

/** Output of an execution that succeeded; else its error is thrown. */
export function outputOf(execution: Execution): unknown {
  const { end } = execution.log.recorded;
  if (end?.status !== 'SUCCEEDED') throw new Error(`${end?.status}: ${end?.error}: ${end?.cause}`);
  return JSON.parse(end.output ?? 'null');
}

/** Runs states that are at their end after the last one, and answers the output. */
export async function outputOfStates(states: States, input?: unknown): Promise<unknown> {
  return outputOf(await aMachine(definition(states)).run(input));
}
