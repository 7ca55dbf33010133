import { describe, expect, it } from 'vitest';
import { aMachine, definition, outputOf, outputOfStates } from '../../../support/states/a-machine.ts';

const end = { End: true };

// https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
describe('expressions of a state', () => {
  it('gives the input on where there is no Output', async () => {
    expect(await outputOfStates({ Only: { Type: 'Pass', ...end } }, { a: 1 })).toEqual({ a: 1 });
  });

  it('evaluates every text in {% %}, however deep, and leaves all else', async () => {
    const Output = { sum: '{% $states.input.a + 1 %}', list: ['{% $states.input.a %}', 'a {% b %}'], n: null };
    expect(await outputOfStates({ Only: { Type: 'Pass', Output, ...end } }, { a: 1 })).toEqual({
      ...{ sum: 2, list: [1, 'a {% b %}'], n: null },
    });
  });

  it.each([
    ['nothing', '{% $states.input.missing %}', 'returned nothing (undefined).'],
    ['a function', '{% function($x){$x} %}', 'returned an unsupported result type.'],
    ['what cannot be computed', "{% 1 + 'a' %}", 'threw an error during evaluation.'],
    ['$eval', "{% $eval('1') %}", 'threw an error during evaluation.'],
  ])('fails on %s', async (_, Output, text) => {
    const execution = await aMachine(definition({ Only: { Type: 'Pass', Output, ...end } })).run();
    const { error, cause } = execution.log.recorded.end ?? {};
    expect(error).toBe('States.QueryEvaluationError');
    expect(cause).toContain(
      "An error occurred while executing the state 'Only' (entered at the event id #2). The JSONata expression '",
    );
    expect(cause).toContain(text);
  });

  it('has the functions that Step Functions adds', async () => {
    const Output = {
      parts: '{% $partition([1, 2, 3, 4, 5], 2) %}',
      range: '{% $range(1, 9, 4) %}',
      hash: "{% $hash('abc', 'SHA-256') %}",
      parsed: '{% $parse(\'{"a": [1]}\') %}',
      uuid: '{% $length($uuid()) %}',
    };
    expect(await outputOfStates({ Only: { Type: 'Pass', Output, ...end } })).toEqual({
      parts: [[1, 2], [3, 4], [5]],
      range: [1, 5, 9],
      hash: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      parsed: { a: [1] },
      uuid: 36,
    });
  });

  // https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
  it('sees the execution, the state and the machine', async () => {
    const machine = aMachine(definition({ Only: { Type: 'Pass', Output: '{% $states.context %}', ...end } }));
    expect(outputOf(await machine.run({ a: 1 }))).toEqual({
      Execution: {
        Id: 'arn:aws:states:us-east-1:123456789012:execution:Backfill:one',
        Input: { a: 1 },
        Name: 'one',
        RoleArn: 'arn:aws:iam::123456789012:role/Backfill',
        StartTime: '2026-01-01T00:00:00.000Z',
        RedriveCount: 0,
      },
      State: { Name: 'Only', EnteredTime: '2026-01-01T00:00:00.000Z', RetryCount: 0 },
      StateMachine: { Id: 'arn:aws:states:us-east-1:123456789012:stateMachine:Backfill', Name: 'Backfill' },
    });
  });
});

// https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html
describe('variables', () => {
  it('are seen by later states, and not by what stands beside their assignment', async () => {
    const states = {
      First: { Type: 'Pass', Assign: { x: 1 }, Next: 'Second' },
      Second: { Type: 'Pass', Assign: { x: '{% $x + 1 %}', y: '{% $x %}' }, Output: '{% $x %}', Next: 'Third' },
      Third: { Type: 'Pass', Output: { x: '{% $x %}', y: '{% $y %}', before: '{% $states.input %}' }, ...end },
    };
    expect(await outputOfStates(states)).toEqual({ x: 2, y: 1, before: 1 });
  });
});

// https://docs.aws.amazon.com/step-functions/latest/dg/state-choice.html
describe('a choice', () => {
  const states = {
    Choose: {
      Type: 'Choice',
      Choices: [
        { Condition: '{% $states.input.n > 10 %}', Next: 'Big', Assign: { size: 'big' }, Output: 'of the rule' },
        { Condition: '{% $states.input.n > 5 %}', Next: 'Middle' },
      ],
      Default: 'Small',
      Assign: { size: 'small' },
      Output: 'of the state',
    },
    Big: { Type: 'Pass', Output: ['big', '{% $size %}', '{% $states.input %}'], ...end },
    Middle: { Type: 'Pass', Output: ['middle', '{% $exists($size) %}', '{% $states.input %}'], ...end },
    Small: { Type: 'Pass', Output: ['small', '{% $size %}', '{% $states.input %}'], ...end },
  };

  it.each([
    [11, ['big', 'big', 'of the rule']],
    [6, ['middle', false, { n: 6 }]],
    [1, ['small', 'small', 'of the state']],
  ])('goes by the first rule that holds: %i', async (n, expected) => {
    expect(await outputOfStates(states, { n })).toEqual(expected);
  });

  it('fails where nothing holds and there is no default', async () => {
    const { Default, ...Choose } = states.Choose;
    const execution = await aMachine(definition({ ...states, Choose })).run({ n: 1 });
    expect(execution.log.recorded.end).toMatchObject({ status: 'FAILED', error: 'States.NoChoiceMatched' });
    expect(Default).toBe('Small');
  });

  it('wants a boolean', async () => {
    const execution = await aMachine(definition(states)).run({ n: 'many' });
    expect(execution.log.recorded.end?.error).toBe('States.QueryEvaluationError');
  });
});

// https://docs.aws.amazon.com/step-functions/latest/dg/state-wait.html
describe('a wait', () => {
  it.each([
    ['Seconds', '{% $states.input.s %}', 90],
    ['Seconds', 7_200, 7_200],
    ['Timestamp', '2026-01-01T01:00:00Z', 3_600],
    ['Timestamp', '2025-01-01T01:00:00Z', 0],
  ])('waits: %s %s', async (field, value, seconds) => {
    const { run, clock } = aMachine(definition({ Wait: { Type: 'Wait', [field]: value, ...end } }));
    const before = clock.now();
    expect(outputOf(await run({ s: 90 }))).toEqual({ s: 90 });
    expect((clock.now() - before) / 1000).toBe(seconds);
  });
});

describe('the end of an execution', () => {
  it('is SUCCEEDED at Succeed, with its Output', async () => {
    expect(await outputOfStates({ Ok: { Type: 'Succeed', Output: { a: '{% 1 + 1 %}' } } })).toEqual({ a: 2 });
  });

  it('is FAILED at Fail, with what it says', async () => {
    const Fail = { Type: 'Fail', Error: 'Backfill.Empty', Cause: '{% "no " & $states.input.what %}' };
    const execution = await aMachine(definition({ Fail })).run({ what: 'traces' });
    expect(execution.log.recorded.end).toMatchObject({
      ...{ status: 'FAILED', error: 'Backfill.Empty', cause: 'no traces' },
    });
  });

  it('is TIMED_OUT once the time of the machine is over', async () => {
    const { run, clock } = aMachine(
      definition({ Wait: { Type: 'Wait', Seconds: 100, ...end } }, { TimeoutSeconds: 60 }),
    );
    const execution = await run();
    expect(execution.log.recorded.end).toMatchObject({ status: 'TIMED_OUT', error: 'States.Timeout' });
    expect(clock.now()).toBe(Date.UTC(2026, 0, 1, 0, 1));
  });

  // https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
  it.each([
    [262_142, 'SUCCEEDED', undefined],
    [262_143, 'FAILED', 'States.DataLimitExceeded'],
  ])('an output of %i characters and its quotes: %s', async (length, status, error) => {
    const Output = `{% $join([1..${length}].('x')) %}`;
    const execution = await aMachine(definition({ Only: { Type: 'Pass', Output, ...end } })).run();
    const ended = execution.log.recorded.end;
    expect([ended?.status, ended?.error]).toEqual([status, error]);
  });

  it('counts each state that is entered as a transition', async () => {
    const states = {
      A: { Type: 'Pass', Next: 'B' },
      B: { Type: 'Pass', Next: 'C' },
      C: { Type: 'Succeed' },
    };
    const execution = await aMachine(definition(states)).run();
    expect(execution.log.recorded.transitions).toBe(3);
  });
});
