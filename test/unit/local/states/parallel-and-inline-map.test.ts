import { describe, expect, it } from 'vitest';
import { aMachine, definition, outputOf, outputOfStates } from '../../../support/states/a-machine.ts';
import { FakeRoleCalls } from '../../../support/states/fake-role-calls.ts';

const end = { End: true };

function pass(Output: unknown): object {
  return { Type: 'Pass', Output, ...end };
}

function flow(state: object): object {
  return { StartAt: 'Only', States: { Only: state } };
}

// https://docs.aws.amazon.com/step-functions/latest/dg/state-parallel.html
describe('parallel branches', () => {
  it('each get the arguments, see the variables around them, and give their outputs in order', async () => {
    const states = {
      First: { Type: 'Pass', Assign: { x: 5 }, Next: 'Both' },
      Both: {
        Type: 'Parallel',
        Arguments: { n: '{% $states.input.n * 2 %}' },
        Branches: [flow(pass('{% $states.input.n %}')), flow(pass('{% $x %}'))],
        Output: '{% $states.result %}',
        ...end,
      },
    };
    expect(await outputOfStates(states, { n: 3 })).toEqual([6, 5]);
  });

  it('fail together with the error of the first that fails', async () => {
    const Both = {
      Type: 'Parallel',
      Branches: [flow({ Type: 'Wait', Seconds: 3_600, ...end }), flow({ Type: 'Fail', Error: 'Nope', Cause: 'c' })],
      Catch: [{ ErrorEquals: ['Nope'], Next: 'Caught' }],
      ...end,
    };
    const { run, clock } = aMachine(definition({ Both, Caught: { Type: 'Succeed' } }));
    expect(outputOf(await run())).toEqual({ Error: 'Nope', Cause: 'c' });
    expect(clock.now()).toBe(Date.UTC(2026, 0, 1));
  });
});

// https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html
describe('an inline map', () => {
  it('runs its states for every item and gives their outputs in order', async () => {
    const Each = {
      Type: 'Map',
      Items: '{% $states.input.list %}',
      ItemSelector: {
        i: '{% $states.context.Map.Item.Index %}',
        v: '{% $states.context.Map.Item.Value %}',
        of: '{% $states.input.name %}',
      },
      ItemProcessor: flow(pass(['{% $states.input %}', '{% $states.context.Map.Item.Value %}'])),
      ...end,
    };
    expect(await outputOfStates({ Each }, { list: ['a', 'b'], name: 'n' })).toEqual([
      [{ i: 0, v: 'a', of: 'n' }, 'a'],
      [{ i: 1, v: 'b', of: 'n' }, 'b'],
    ]);
  });

  it('takes the members of an object for items', async () => {
    const Each = { Type: 'Map', ItemProcessor: flow({ Type: 'Pass', ...end }), ...end };
    expect(await outputOfStates({ Each }, { a: 1, b: 2 })).toEqual([
      { Key: 'a', Value: 1 },
      { Key: 'b', Value: 2 },
    ]);
  });

  it('wants items', async () => {
    const Each = { Type: 'Map', Items: '{% 1 %}', ItemProcessor: flow({ Type: 'Pass', ...end }), ...end };
    const execution = await aMachine(definition({ Each })).run();
    expect(execution.log.recorded.end?.cause).toContain(
      "The JSONata expression '1' specified for the field 'Items' returned an unexpected result type. Expected 'array', but was 'number' for value: 1",
    );
  });

  it('runs no more at a time than MaxConcurrency says', async () => {
    let running = 0;
    let most = 0;
    const calls = new FakeRoleCalls();
    calls.functions.slice = async () => {
      most = Math.max(most, ++running);
      await new Promise(setImmediate);
      running--;
    };
    const Slice = { Type: 'Task', Resource: 'arn:aws:lambda:us-east-1:1:function:slice', ...end };
    const Each = { Type: 'Map', MaxConcurrency: 3, ItemProcessor: flow(Slice), ...end };
    await aMachine(definition({ Each }), { calls }).run([1, 2, 3, 4, 5, 6, 7]);
    expect([calls.invoked.length, most]).toEqual([7, 3]);
  });
});
