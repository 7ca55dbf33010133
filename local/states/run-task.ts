import { withinTime } from './clock.ts';
import type { PassState, TaskState, WaitState } from './definition.ts';
import { evaluate, evaluateInteger, unexpected } from './expressions.ts';
import { integrationOf } from './integrations.ts';
import { leave, type Next } from './leave.ts';
import type { Visit } from './run.ts';
import { payloadText, StateError } from './state-error.ts';

export function runPass(state: PassState, { input, bindings }: Visit): Promise<Next> {
  return leave(state, { bindings, output: input });
}

export async function runWait(state: WaitState, { input, enteredAt, bindings, frame }: Visit): Promise<Next> {
  const { run, signal } = frame;
  const until =
    state.Seconds === undefined
      ? await evaluateTime(state.Timestamp, bindings)
      : enteredAt + (await evaluateInteger(state.Seconds, bindings, 'Seconds')) * 1000;
  const left = Math.max(0, until - run.clock.now());
  await run.clock.sleep(Math.min(left, run.longestWaitSeconds * 1000), signal);
  return leave(state, { bindings, output: input });
}

async function evaluateTime(template: unknown, bindings: Visit['bindings']): Promise<number> {
  const value = await evaluate(template, bindings, 'Timestamp');
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(at)) throw unexpected(value, { template, field: 'Timestamp', expected: 'timestamp' });
  return at;
}

export async function runTask(state: TaskState, { input, bindings, frame, name }: Visit): Promise<Next> {
  const { run, signal } = frame;
  const integration = integrationOf(state.Resource);
  if (!integration) throw new StateError('States.Runtime', `cannot run ${state.Resource}`);
  const { resource, resourceType } = integration;
  const given = state.Arguments === undefined ? input : await evaluate(state.Arguments, bindings, 'Arguments');
  const parameters = payloadText(given, name);
  const seconds =
    state.TimeoutSeconds === undefined
      ? undefined
      : await evaluateInteger(state.TimeoutSeconds, bindings, 'TimeoutSeconds');
  run.event('TaskScheduled', { taskScheduledEventDetails: { resource, resourceType, parameters } });
  try {
    const result = await withinTime(
      (limited) => integration.run(given, { calls: run.calls, clock: run.clock, signal: limited }),
      { clock: run.clock, seconds, signal, timedOut: () => new StateError('States.Timeout', '') },
    );
    const output = payloadText(result, resourceType);
    run.event('TaskSucceeded', { taskSucceededEventDetails: { resource, resourceType, output } });
    return await leave(state, { bindings, seen: { result }, output: result });
  } catch (error) {
    if (error instanceof StateError && error.code !== 'States.QueryEvaluationError')
      run.event('TaskFailed', {
        taskFailedEventDetails: { resource, resourceType, error: error.code, cause: error.message },
      });
    throw error;
  }
}
