import type { Clock } from './clock.ts';
import type { Flow } from './definition.ts';
import type { ExecutionLog } from './execution-log.ts';
import type { Bindings } from './expressions.ts';
import type { MapRun } from './map-run.ts';
import type { Variables } from './recorded.ts';
import type { RoleCalls } from './role-calls.ts';

/** The state machine as its executions see it; a child's is `<machine>/<label>`. */
export interface MachineIdentity {
  readonly arn: string;
  readonly name: string;
  readonly roleArn: string;
}

/** One execution, a child's too: what all its flows have in common. */
export interface Run {
  readonly machine: MachineIdentity;
  /** `$states.context.Execution`. */
  readonly execution: Readonly<Record<string, unknown>>;
  readonly log: ExecutionLog;
  readonly calls: RoleCalls;
  readonly clock: Clock;
  /** In [0, 1), for retries with jitter. */
  readonly chance: () => number;
  /** At most so long a state waits and a retry is put off. */
  readonly longestWaitSeconds: number;
  /** Adds to the history; children have none. Answers the event's number. */
  readonly event: (type: string, details?: Readonly<Record<string, unknown>>) => number;
  /** Told of each Map Run while it is being worked on. */
  readonly mapRuns: Map<string, MapRun>;
  readonly runFlow: (flow: Flow, frame: Frame) => Promise<unknown>;
}

/** One flow of states: an execution's own, a branch, an iteration of a map. */
export interface Frame {
  readonly run: Run;
  /** Tells it apart from the other flows of its execution. */
  readonly path: string;
  readonly input: unknown;
  /** Variables of the flows around it. */
  readonly outer: Variables;
  /** `$states.context.Map`, within an inline map. */
  readonly map?: Readonly<Record<string, unknown>> | undefined;
  readonly signal: AbortSignal;
}

/** A state being run. */
export interface Visit {
  readonly name: string;
  readonly input: unknown;
  /** Before the process was killed, if it was. */
  readonly enteredAt: number;
  readonly frame: Frame;
  readonly bindings: Bindings;
  readonly variables: Variables;
}
