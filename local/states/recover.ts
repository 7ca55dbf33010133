import type { Catcher, Retrier, State } from './definition.ts';
import type { Bindings } from './expressions.ts';
import { leave, type Next } from './leave.ts';
import type { Visit } from './run.ts';
import { StateError } from './state-error.ts';

/** Runs a state, again where a retrier says so, and goes where a catcher says if that does not help. */
export async function recovering(
  state: State,
  { visit, run }: { visit: Visit; run: (bindings: Bindings) => Promise<Next> },
): Promise<Next> {
  const retriers = 'Retry' in state ? (state.Retry ?? []) : [];
  const used = retriers.map(() => 0);
  for (let retries = 0; ; retries++) {
    try {
      return await run(retrying(visit.bindings, retries));
    } catch (error) {
      if (!(error instanceof StateError)) throw error;
      const i = retriers.findIndex(({ ErrorEquals }) => matches(ErrorEquals, error.code));
      const retrier = retriers[i];
      const count = used[i] ?? 0;
      if (!retrier || count >= (retrier.MaxAttempts ?? 3)) return caught(state, { visit, error });
      used[i] = count + 1;
      await putOff(retrier, { count, visit });
    }
  }
}

async function putOff(retrier: Retrier, { count, visit }: { count: number; visit: Visit }): Promise<void> {
  const { run, signal, path } = visit.frame;
  const seconds = Math.min(delaySeconds(retrier, { count, chance: run.chance }), run.longestWaitSeconds);
  await run.clock.sleep(seconds * 1000, signal);
  run.log.add({ kind: 'retried', path });
}

/** Before the retry after `count` others. Source: Amazon States Language specification, "Retrying after error". */
function delaySeconds(retrier: Retrier, { count, chance }: { count: number; chance: () => number }): number {
  const { IntervalSeconds = 1, BackoffRate = 2, MaxDelaySeconds = Number.POSITIVE_INFINITY, JitterStrategy } = retrier;
  const delay = Math.min(IntervalSeconds * BackoffRate ** count, MaxDelaySeconds);
  return JitterStrategy === 'FULL' ? delay * chance() : delay;
}

async function caught(state: State, { visit, error }: { visit: Visit; error: StateError }): Promise<Next> {
  const catchers: readonly Catcher[] = 'Catch' in state ? (state.Catch ?? []) : [];
  const catcher = catchers.find(({ ErrorEquals }) => matches(ErrorEquals, error.code));
  if (!catcher) throw error;
  return leave(catcher, { bindings: visit.bindings, seen: { errorOutput: error.output }, output: error.output });
}

/** Source: Step Functions developer guide, "Error names". */
function matches(names: readonly string[], code: string): boolean {
  if (names.includes(code)) return code !== 'States.Runtime';
  if (code === 'States.Runtime' || code === 'States.DataLimitExceeded') return false;
  return names.includes('States.ALL') || (names.includes('States.TaskFailed') && code !== 'States.Timeout');
}

function retrying(bindings: Bindings, retries: number): Bindings {
  const states = bindings.states as { context: { State: object } };
  const context = { ...states.context, State: { ...states.context.State, RetryCount: retries } };
  return { ...bindings, states: { ...states, context } };
}
