import { type Flow, isDistributed, type State } from './definition.ts';
import { type Bindings, evaluate } from './expressions.ts';
import type { Next } from './leave.ts';
import type { Position, Variables } from './recorded.ts';
import { recovering } from './recover.ts';
import type { Frame, Visit } from './run.ts';
import { runChoice } from './run-choice.ts';
import { runDistributedMap } from './run-distributed-map.ts';
import { runInlineMap } from './run-inline-map.ts';
import { runParallel } from './run-parallel.ts';
import { runPass, runTask, runWait } from './run-task.ts';
import { payloadText, StateError } from './state-error.ts';
import { iso } from './times.ts';

/**
 * Runs the states of a flow from where the log says it is, and answers its output. What is done is in the log before the next state begins:
 * a run that ends in any way goes on from the state at which it was.
 */
export async function runFlow(flow: Flow, frame: Frame): Promise<unknown> {
  const { log } = frame.run;
  let position = log.recorded.positions.get(frame.path) ?? { state: flow.StartAt, input: frame.input, variables: {} };
  while (position.state !== null) {
    frame.signal.throwIfAborted();
    position = await runState(stateOf(flow, position.state), { ...position, state: position.state }, frame);
    log.add({ kind: 'moved', path: frame.path, position });
  }
  return position.input;
}

function stateOf({ States }: Flow, name: string): State {
  const state = States[name];
  if (!state) throw new StateError('States.Runtime', `no state ${name}`);
  return state;
}

async function runState(
  state: State,
  { state: name, input, variables }: Position & { state: string },
  frame: Frame,
): Promise<Position> {
  const { run, path } = frame;
  const { log } = run;
  const isNew = !log.recorded.entered.has(path);
  if (isNew) log.add({ kind: 'entered', path, at: run.clock.now() });
  const eventId = isNew
    ? run.event(`${state.Type}StateEntered`, { stateEnteredEventDetails: { name, input: JSON.stringify(input) } })
    : 0;
  const visit = visitOf(name, { input, variables, frame });
  try {
    const next = await recovering(state, {
      visit,
      run: async (bindings) => {
        const left = await runners[state.Type](state as never, { ...visit, bindings });
        payloadText(left.output, name);
        return left;
      },
    });
    if (state.Type !== 'Fail')
      run.event(`${state.Type}StateExited`, { stateExitedEventDetails: { name, output: JSON.stringify(next.output) } });
    return { state: next.state, input: next.output, variables: { ...variables, ...next.assigned } };
  } catch (error) {
    throw located(error, { name, eventId });
  }
}

type Runner<S extends State> = (state: S, visit: Visit) => Promise<Next>;

const runners: { readonly [T in State['Type']]: Runner<Extract<State, { Type: T }>> } = {
  Pass: runPass,
  Wait: runWait,
  Choice: runChoice,
  Task: runTask,
  Parallel: runParallel,
  Map: (state, visit) => (isDistributed(state) ? runDistributedMap(state, visit) : runInlineMap(state, visit)),
  Succeed: async (state, { input, bindings }) => ({
    state: null,
    output: state.Output === undefined ? input : await evaluate(state.Output, bindings, 'Output'),
    assigned: {},
  }),
  Fail: async (state, { bindings }) => {
    const [error, cause] = await Promise.all([
      evaluate(state.Error ?? '', bindings, 'Error'),
      evaluate(state.Cause ?? '', bindings, 'Cause'),
    ]);
    throw new StateError(String(error), String(cause));
  },
};

function visitOf(
  name: string,
  { input, variables, frame }: { input: unknown; variables: Variables; frame: Frame },
): Visit {
  const { run, path, outer, map } = frame;
  const enteredAt = run.log.recorded.entered.get(path) ?? run.clock.now();
  const context = {
    Execution: run.execution,
    State: { Name: name, EnteredTime: iso(enteredAt), RetryCount: 0 },
    StateMachine: { Id: run.machine.arn, Name: run.machine.name },
    ...(map && { Map: map }),
  };
  const seen = { ...outer, ...variables };
  const bindings: Bindings = { ...seen, states: { input, context } };
  return { name, input, enteredAt, frame, bindings, variables: seen };
}

/** As AWS says where an expression failed. */
function located(error: unknown, { name, eventId }: { name: string; eventId: number }): unknown {
  if (!(error instanceof StateError) || error.code !== 'States.QueryEvaluationError') return error;
  if (error.message.startsWith('An error occurred')) return error;
  const where = eventId > 0 ? `'${name}' (entered at the event id #${eventId})` : `'${name}'`;
  return new StateError(error.code, `An error occurred while executing the state ${where}. ${error.message}`);
}
