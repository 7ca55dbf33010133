import { appendFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AwsError } from '../../../../local/gateway/aws-error.ts';
import { aMachine, definition, outputOf } from '../../../support/states/a-machine.ts';
import { FakeRoleCalls } from '../../../support/states/fake-role-calls.ts';
import { stoppedClock, VirtualClock } from '../../../support/states/virtual-clock.ts';

const executionArn = 'arn:aws:states:us-east-1:123456789012:execution:Backfill:one';

function task(rest: object = { End: true }): object {
  return { Type: 'Task', Resource: 'arn:aws:lambda:us-east-1:1:function:slice', ...rest };
}

function map(type: 'EXPRESS' | 'STANDARD', rest: object = {}): object {
  return {
    Type: 'Map',
    Label: 'slices',
    MaxConcurrency: 1,
    ItemProcessor: {
      ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: type },
      StartAt: 'First',
      States: { First: task({ Next: 'Second' }), Second: task() },
    },
    End: true,
    ...rest,
  };
}

/** Answers what it is given; fails or hangs where it is told to. */
function callsTo(behaviour: { failsOn?: unknown; hangsOn?: unknown; after?: number }): FakeRoleCalls {
  const calls = new FakeRoleCalls();
  let left = behaviour.after ?? 0;
  calls.functions.slice = (event: unknown) => {
    const isMeant = (value: unknown) => value !== undefined && event === value && left-- <= 0;
    if (isMeant(behaviour.failsOn)) throw Object.assign(new Error('bad'), { name: 'Bad' });
    return isMeant(behaviour.hangsOn) ? new Promise(() => undefined) : event;
  };
  return calls;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1));
}

const payloads = ({ invoked }: FakeRoleCalls) => invoked.map(({ payload }) => payload);

// https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
describe('a started execution', () => {
  const waiting = definition({ Slice: task() });

  it('is given again to who starts it again with the same input while it runs', async () => {
    const { ask } = aMachine(waiting, { calls: callsTo({ hangsOn: 1 }) });
    const first = await ask('StartExecution', { name: 'one', input: '1' });
    expect(await ask('StartExecution', { name: 'one', input: '1' })).toEqual(first);
    await expect(ask('StartExecution', { name: 'one', input: '2' })).rejects.toMatchObject({
      code: 'ExecutionAlreadyExists',
    });
  });

  it('keeps its name after its end', async () => {
    const { ask, run } = aMachine(waiting, { calls: callsTo({}) });
    await run(1);
    await expect(ask('StartExecution', { name: 'one', input: '1' })).rejects.toMatchObject({
      code: 'ExecutionAlreadyExists',
    });
  });

  it.each([
    ['InvalidName', { name: 'a b' }],
    ['InvalidName', { name: 'x'.repeat(81) }],
    ['InvalidExecutionInput', { input: '{' }],
    ['InvalidExecutionInput', { input: JSON.stringify('x'.repeat(262_143)) }],
    ['StateMachineDoesNotExist', { stateMachineArn: 'arn:aws:states:us-east-1:123456789012:stateMachine:Other' }],
  ])('is refused: %s', async (code, input) => {
    const { ask } = aMachine(waiting, { calls: callsTo({}) });
    await expect(ask('StartExecution', input)).rejects.toMatchObject({ code });
    await expect(ask('StartExecution', input)).rejects.toBeInstanceOf(AwsError);
  });

  it('is described, listed and has a history', async () => {
    const { ask, run } = aMachine(waiting, { calls: callsTo({}) });
    await run(1);
    await run(2, 'two');
    expect(await ask('DescribeExecution', { executionArn })).toMatchObject({
      ...{ executionArn, name: 'one', status: 'SUCCEEDED', input: '1', output: '1', startDate: 1_767_225_600 },
      ...{ redriveCount: 0, redriveStatus: 'NOT_REDRIVABLE' },
    });
    const list = async (input: object) => (await ask('ListExecutions', input)).executions as { name: string }[];
    expect((await list({})).map(({ name }) => name).sort()).toEqual(['one', 'two']);
    expect(await list({ statusFilter: 'FAILED' })).toEqual([]);
    const page = await ask('GetExecutionHistory', { executionArn, maxResults: 4 });
    const rest = await ask('GetExecutionHistory', { executionArn, nextToken: page.nextToken });
    const events = [...(page.events as { type: string }[]), ...(rest.events as { type: string }[])];
    expect(events.map(({ type }) => type)).toEqual([
      ...['ExecutionStarted', 'TaskStateEntered', 'TaskScheduled', 'TaskSucceeded', 'TaskStateExited'],
      'ExecutionSucceeded',
    ]);
  });

  it('is ABORTED when it is stopped', async () => {
    const { ask, machines } = aMachine(waiting, { calls: callsTo({ hangsOn: 1 }) });
    await ask('StartExecution', { name: 'one', input: '1' });
    await ask('StopExecution', { executionArn, error: 'Cancelled', cause: 'by a user' });
    expect(machines.execution(executionArn).log.recorded.end).toMatchObject({
      ...{ status: 'ABORTED', error: 'Cancelled', cause: 'by a user' },
    });
  });

  it('is unknown where it is', async () => {
    const { ask } = aMachine(waiting);
    await expect(ask('DescribeExecution', { executionArn })).rejects.toMatchObject({ code: 'ExecutionDoesNotExist' });
  });
});

// https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
describe('a redriven execution', () => {
  const bad = (calls: FakeRoleCalls) => {
    calls.functions.slice = (event: unknown) => event;
  };

  it('goes on at the state that failed, with what was assigned before', async () => {
    const calls = callsTo({ failsOn: 2 });
    const states = {
      First: task({ Assign: { x: 'kept' }, Output: 2, Next: 'Second' }),
      Second: task({ Output: '{% $x %}', End: true }),
    };
    const { ask, run, machines } = aMachine(definition(states), { calls });
    expect((await run(1)).status).toBe('FAILED');
    bad(calls);
    await ask('RedriveExecution', { executionArn });
    await machines.execution(executionArn).settled();
    expect(outputOf(machines.execution(executionArn))).toBe('kept');
    expect(payloads(calls)).toEqual([1, 2, 2]);
    expect(await ask('DescribeExecution', { executionArn })).toMatchObject({ redriveCount: 1, status: 'SUCCEEDED' });
  });

  it('repeats only the branches and iterations that did not succeed', async () => {
    const calls = callsTo({ failsOn: 'b' });
    const Each = { Type: 'Map', MaxConcurrency: 1, ItemProcessor: { StartAt: 'A', States: { A: task() } }, End: true };
    const { ask, run, machines } = aMachine(definition({ Each }), { calls });
    await run(['a', 'b', 'c']);
    bad(calls);
    await ask('RedriveExecution', { executionArn });
    await machines.execution(executionArn).settled();
    expect(outputOf(machines.execution(executionArn))).toEqual(['a', 'b', 'c']);
    expect(payloads(calls)).toEqual(['a', 'b', 'b', 'c']);
  });

  // https://docs.aws.amazon.com/step-functions/latest/dg/redrive-map-run.html
  it.each([
    ['STANDARD', 'from the state that failed', ['a', 'a', 'b', 'b', 'b', 'c', 'c']],
    ['EXPRESS', 'from their start', ['a', 'a', 'b', 'b', 'b', 'b', 'c', 'c']],
  ] as const)('runs only the %s children that did not succeed, %s, in the same Map Run', async (type, _, expected) => {
    const calls = callsTo({ failsOn: 'b', after: 1 });
    const { ask, run, machines } = aMachine(definition({ Slices: map(type) }), { calls });
    const execution = await run(['a', 'b', 'c']);
    expect(execution.log.recorded.end?.error).toBe('States.ExceedToleratedFailureThreshold');
    bad(calls);
    await ask('RedriveExecution', { executionArn });
    await machines.execution(executionArn).settled();
    expect(outputOf(execution)).toEqual(['a', 'b', 'c']);
    expect(payloads(calls)).toEqual(expected);
    const { mapRuns } = await ask('ListMapRuns', { executionArn });
    expect(mapRuns).toHaveLength(1);
    const [{ mapRunArn }] = mapRuns as [{ mapRunArn: string }];
    expect(await ask('DescribeMapRun', { mapRunArn })).toMatchObject({ status: 'SUCCEEDED', redriveCount: 1 });
  });

  it('starts another Map Run where the failed state had finished one', async () => {
    const calls = callsTo({});
    const Slices = map('EXPRESS', { Output: '{% $states.input.none %}' });
    const { ask, run, machines } = aMachine(definition({ Slices }), { calls });
    await run(['a']);
    await ask('RedriveExecution', { executionArn });
    await machines.execution(executionArn).settled();
    expect(machines.execution(executionArn).log.recorded.mapRuns.size).toBe(2);
  });

  it('must have failed', async () => {
    const { ask, run } = aMachine(definition({ Slice: task() }), { calls: callsTo({}) });
    await run(1);
    await expect(ask('RedriveExecution', { executionArn })).rejects.toMatchObject({ code: 'ExecutionNotRedrivable' });
  });
});

// https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeMapRun.html
describe('a Map Run', () => {
  it('counts its children and takes another concurrency while it runs', async () => {
    const calls = callsTo({ hangsOn: 'b' });
    const { ask } = aMachine(definition({ Slices: map('STANDARD') }), { calls, clock: stoppedClock });
    await ask('StartExecution', { name: 'one', input: '["a","b","b","c"]' });
    await until(() => calls.invoked.length === 3);
    const { mapRuns } = await ask('ListMapRuns', { executionArn });
    const [{ mapRunArn }] = mapRuns as [{ mapRunArn: string }];
    expect(await ask('DescribeMapRun', { mapRunArn })).toMatchObject({
      ...{ mapRunArn, executionArn, status: 'RUNNING', maxConcurrency: 1 },
      executionCounts: { pending: 2, running: 1, succeeded: 1, failed: 0, timedOut: 0, aborted: 0, total: 4 },
    });
    await ask('UpdateMapRun', { mapRunArn, maxConcurrency: 3 });
    await until(() => payloads(calls).includes('c'));
    expect(await ask('DescribeMapRun', { mapRunArn })).toMatchObject({ maxConcurrency: 3 });
    await ask('StopExecution', { executionArn });
    expect(await ask('DescribeMapRun', { mapRunArn })).toMatchObject({
      status: 'ABORTED',
      executionCounts: { succeeded: 2, aborted: 2, running: 0, pending: 0 },
    });
    const children = await ask('ListExecutions', { mapRunArn, statusFilter: 'SUCCEEDED' });
    expect(children.executions).toHaveLength(2);
  });
});

describe('an execution whose process ends', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'assay-states-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs until it hangs, leaves it there, and goes on in what another process would read. */
  async function interrupted(
    text: string,
    { input, hangsOn, after = 0 }: { input: unknown; hangsOn: unknown; after?: number },
  ) {
    const first = callsTo({ hangsOn, after });
    let isHanging = false;
    const slice = first.functions.slice as (event: unknown) => unknown;
    first.functions.slice = (event: unknown) => {
      const answer = slice(event);
      isHanging ||= answer instanceof Promise;
      return answer;
    };
    const before = aMachine(text, { folder, calls: first, clock: stoppedClock });
    await before.ask('StartExecution', { name: 'one', input: JSON.stringify(input) });
    await until(() => isHanging);
    return { first, before };
  }

  async function resumed(text: string) {
    const calls = callsTo({});
    const { machines } = aMachine(text, { folder, calls });
    machines.resume();
    const execution = machines.execution(executionArn);
    await execution.settled();
    return { calls, execution };
  }

  const chain = definition({
    First: task({ Assign: { x: 'kept' }, Output: 2, Next: 'Second' }),
    Second: task({ Output: ['{% $x %}', '{% $states.context.Execution.Input %}'], End: true }),
  });

  it('goes on at the state at which it was', async () => {
    await interrupted(chain, { input: 1, hangsOn: 2 });
    const { calls, execution } = await resumed(chain);
    expect(outputOf(execution)).toEqual(['kept', 1]);
    expect(payloads(calls)).toEqual([2]);
    expect(execution.log.recorded.transitions).toBe(2);
  });

  it('goes on after a half-written line, too', async () => {
    await interrupted(chain, { input: 1, hangsOn: 2 });
    const [file = ''] = readdirSync(join(folder, 'Backfill'));
    appendFileSync(join(folder, 'Backfill', file), '{"kind":"mov');
    expect(outputOf((await resumed(chain)).execution)).toEqual(['kept', 1]);
    expect(outputOf((await resumed(chain)).execution)).toEqual(['kept', 1]);
  });

  it('is not there if it had no time to write that it was started', async () => {
    await interrupted(chain, { input: 1, hangsOn: 2 });
    const [file = ''] = readdirSync(join(folder, 'Backfill'));
    writeFileSync(join(folder, 'Backfill', file), '{"kind":"star');
    const { run } = aMachine(chain, { folder, calls: callsTo({}) });
    expect(outputOf(await run(3))).toEqual(['kept', 3]);
    expect(outputOf((await resumed(chain)).execution)).toEqual(['kept', 3]);
  });

  it.each([
    [100, 40, 'SUCCEEDED', 100],
    [100, 150, 'SUCCEEDED', 150],
    [900, 200, 'TIMED_OUT', 300],
  ])('waits for the rest of %i s and of its 300 s: gone on with after %i s', async (wait, later, status, ended) => {
    const text = definition({ Wait: { Type: 'Wait', Seconds: wait, End: true } }, { TimeoutSeconds: 300 });
    const before = aMachine(text, { folder, clock: stoppedClock });
    await before.ask('StartExecution', { name: 'one' });
    await until(() => before.machines.execution(executionArn).log.recorded.entered.size === 1);
    const { machines } = aMachine(text, { folder, clock: new VirtualClock(stoppedClock.now() + later * 1_000) });
    machines.resume();
    await machines.execution(executionArn).settled();
    const { end } = machines.execution(executionArn).log.recorded;
    expect([end?.status, ((end?.at ?? 0) - stoppedClock.now()) / 1_000]).toEqual([status, ended]);
  });

  it('is left as it is by an orderly end', async () => {
    const { before } = await interrupted(chain, { input: 1, hangsOn: 2 });
    await before.machines.shutDown();
    expect(before.machines.execution(executionArn).status).toBe('RUNNING');
    expect(outputOf((await resumed(chain)).execution)).toEqual(['kept', 1]);
  });

  it.each([
    ['STANDARD', ['b', 'c', 'c']],
    ['EXPRESS', ['b', 'b', 'c', 'c']],
  ] as const)('keeps what the %s children of its map have done', async (type, expected) => {
    const text = definition({ Slices: map(type) });
    const { first, before } = await interrupted(text, { input: ['a', 'b', 'c'], hangsOn: 'b', after: 1 });
    expect(payloads(first)).toEqual(['a', 'a', 'b', 'b']);
    const [record] = before.machines.execution(executionArn).log.recorded.mapRuns.values();
    const { calls, execution } = await resumed(text);
    expect(outputOf(execution)).toEqual(['a', 'b', 'c']);
    expect(payloads(calls)).toEqual(expected);
    const [same] = execution.log.recorded.mapRuns.values();
    expect([same?.id, same?.children]).toEqual([record?.id, record?.children]);
  });

  it('keeps those that have ended', async () => {
    const { run } = aMachine(chain, { folder, calls: callsTo({}) });
    await run(1);
    const { ask } = aMachine(chain, { folder });
    expect(await ask('DescribeExecution', { executionArn })).toMatchObject({
      status: 'SUCCEEDED',
      output: '["kept",1]',
    });
  });
});
