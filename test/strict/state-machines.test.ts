import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../local/states/clock.ts';
import { gatewayCalls } from '../../local/states/gateway-calls.ts';
import type { Engine } from '../engines/engine-process.ts';
import { startMotoStates } from '../engines/moto-states.ts';
import { localCredentials } from '../support/local-credentials.ts';
import { aMachine, definition } from '../support/states/a-machine.ts';

let engine: Engine;
let sfn: SFNClient;
/** Failures that are left of the function that fails. */
let failures = 0;

const functions = {
  echo: (event: unknown) => event,
  fail: ({ name }: { name: string }) => {
    throw Object.assign(new Error('as asked'), { name });
  },
  flaky: () => {
    if (failures-- > 0) throw Object.assign(new Error('not yet'), { name: 'NotYet' });
    return 'at last';
  },
};

beforeAll(async () => {
  engine = await startMotoStates(functions);
  sfn = new SFNClient({ endpoint: engine.endpoint, ...localCredentials });
  const s3 = new S3Client({ endpoint: engine.endpoint, ...localCredentials, forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: 'items' }));
  const objects = { 'items.json': '[{"n":1},{"n":2},{"n":3}]', 'items.csv': 'n,text\n1,a\n2,"b, c"\n' };
  for (const [Key, Body] of Object.entries(objects))
    await s3.send(new PutObjectCommand({ Bucket: 'items', Key, Body }));
});
afterAll(async () => {
  sfn.destroy();
  await engine.stop();
});

interface Outcome {
  readonly status: string | undefined;
  readonly output: unknown;
  readonly error: string | undefined;
}

async function onMoto(text: string, { name, input }: { name: string; input: unknown }): Promise<Outcome> {
  const roleArn = 'arn:aws:iam::123456789012:role/Backfill';
  const { stateMachineArn } = await sfn.send(new CreateStateMachineCommand({ name, definition: text, roleArn }));
  const start = new StartExecutionCommand({ stateMachineArn, name: 'one', input: JSON.stringify(input) });
  const { executionArn } = await sfn.send(start);
  for (;;) {
    const { status, output, error } = await sfn.send(new DescribeExecutionCommand({ executionArn }));
    if (status !== 'RUNNING') return { status, output: output === undefined ? undefined : JSON.parse(output), error };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function here(text: string, input: unknown): Promise<Outcome> {
  const gateway = { authorize: () => undefined };
  const calls = gatewayCalls({ endpoint: engine.endpoint, accessKeyId: 'local', machineArn: '', gateway });
  const { end } = (await aMachine(text, { calls, clock: systemClock }).run(input)).log.recorded;
  return {
    status: end?.status,
    output: end?.output === undefined ? undefined : JSON.parse(end.output),
    error: end?.error,
  };
}

const end = { End: true };
const pass = (Output: unknown, rest: object = end) => ({ Type: 'Pass', Output, ...rest });

function invoke(name: string, rest: object = end): object {
  const FunctionName = `arn:aws:lambda:us-east-1:123456789012:function:${name}`;
  const Arguments = { FunctionName, Payload: '{% $states.input %}' };
  const Output = ['{% $states.result.Payload %}'];
  return { Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke', Arguments, Output, ...rest };
}

function map(mode: 'INLINE' | 'DISTRIBUTED', { state, rest = {} }: { state: object; rest?: object }): object {
  const ProcessorConfig = { Mode: mode, ...(mode === 'DISTRIBUTED' && { ExecutionType: 'STANDARD' }) };
  const ItemProcessor = { ProcessorConfig, StartAt: 'Each', States: { Each: state } };
  return { Type: 'Map', ItemProcessor, ...rest, ...end };
}

function reading(Key: string, ReaderConfig: object): object {
  return {
    ItemReader: { Resource: 'arn:aws:states:::s3:getObject', ReaderConfig, Arguments: { Bucket: 'items', Key } },
  };
}

const caught = (errors: readonly string[]) => ({ Catch: [{ ErrorEquals: errors, Next: 'Caught' }], ...end });
const Caught = pass(['{% $states.input.Error %}']);

/**
 * What both know: JSON Lines, batches, EXPRESS children, tolerance and redrive are not of it. Left out, since moto has it otherwise than the
 * language's specification: an output that is a text (it is not quoted), a choice of which no rule holds (States.Runtime).
 */
const cases: Readonly<
  Record<string, { states: Readonly<Record<string, unknown>>; input?: unknown; failures?: number }>
> = {
  'variables and outputs': {
    states: {
      First: {
        ...pass({ b: '{% $states.input.a + 1 %}' }, { Next: 'Second' }),
        Assign: { x: '{% $states.input.a %}' },
      },
      Second: pass(['{% $x %}', '{% $states.input %}', '{% $states.context.Execution.Input %}']),
    },
    input: { a: 1 },
  },
  'an expression that gives nothing': { states: { Only: pass('{% $states.input.none %}') } },
  'a choice by a rule': {
    states: {
      Choose: {
        Type: 'Choice',
        Choices: [{ Condition: '{% $states.input.n > 1 %}', Assign: { x: 'rule' }, Output: 'given', Next: 'Yes' }],
        Default: 'No',
      },
      Yes: pass(['{% $x %}', '{% $states.input %}']),
      No: pass('no'),
    },
    input: { n: 2 },
  },
  'a wait': { states: { Wait: { Type: 'Wait', Seconds: '{% 1 %}', Output: ['waited'], ...end } } },
  'an end that fails': { states: { Only: { Type: 'Fail', Error: 'Nope', Cause: 'no' } } },
  'a function': { states: { Only: invoke('echo') }, input: { a: [1, { b: null }] } },
  'a function that throws': { states: { Only: invoke('fail') }, input: { name: 'BadSlice' } },
  'a function that throws, caught': {
    states: { Only: invoke('fail', caught(['BadSlice'])), Caught },
    input: { name: 'BadSlice' },
  },
  'a function that throws, caught as a task': {
    states: { Only: invoke('fail', caught(['States.TaskFailed'])), Caught },
    input: { name: 'BadSlice' },
  },
  'a function that throws, caught by another name': {
    states: { Only: invoke('fail', caught(['Other'])), Caught },
    input: { name: 'BadSlice' },
  },
  'a function that is tried again': {
    states: {
      Only: invoke('flaky', { Retry: [{ ErrorEquals: ['NotYet'], IntervalSeconds: 1, MaxAttempts: 2 }], ...end }),
    },
    failures: 2,
  },
  'a function that is tried too seldom': {
    states: {
      Only: invoke('flaky', { Retry: [{ ErrorEquals: ['NotYet'], IntervalSeconds: 1, MaxAttempts: 1 }], ...end }),
    },
    failures: 2,
  },
  'a table that is not there': {
    states: {
      Only: {
        ...{ Type: 'Task', Resource: 'arn:aws:states:::aws-sdk:dynamodb:getItem', ...end },
        Arguments: { TableName: 'none', Key: { pk: { S: 'a' } } },
      },
    },
  },
  'parallel branches': {
    states: {
      Both: {
        Type: 'Parallel',
        Branches: [1, 2].map((n) => ({ StartAt: `B${n}`, States: { [`B${n}`]: pass([n, '{% $states.input %}']) } })),
        ...end,
      },
    },
    input: 'in',
  },
  'a branch that fails': {
    states: {
      Both: {
        Type: 'Parallel',
        Branches: [
          { StartAt: 'Good', States: { Good: pass(1) } },
          { StartAt: 'Bad', States: { Bad: { Type: 'Fail', Error: 'Nope', Cause: '' } } },
        ],
        ...caught(['Nope']),
      },
      Caught,
    },
  },
  'an inline map': {
    states: {
      Each: map('INLINE', {
        state: pass(['{% $states.input %}', '{% $states.context.Map.Item.Index %}']),
        rest: { Items: '{% $states.input.list %}', ItemSelector: { v: '{% $states.context.Map.Item.Value %}' } },
      }),
    },
    input: { list: ['a', 'b'] },
  },
  'an inline map over what is no array': {
    states: { Each: map('INLINE', { state: pass(1), rest: { Items: '{% 1 %}' } }) },
  },
  'a distributed map over an array': {
    states: { Each: map('DISTRIBUTED', { state: invoke('echo') }) },
    input: [{ n: 1 }, { n: 2 }],
  },
  'a distributed map over JSON': {
    states: {
      Each: map('DISTRIBUTED', {
        state: pass('{% $states.input.twice %}'),
        rest: {
          ...reading('items.json', { InputType: 'JSON' }),
          ItemSelector: { twice: '{% $states.context.Map.Item.Value.n * 2 %}' },
        },
      }),
    },
  },
  'a distributed map over CSV': {
    states: {
      Each: map('DISTRIBUTED', {
        state: pass('{% $states.input %}'),
        rest: reading('items.csv', { InputType: 'CSV', CSVHeaderLocation: 'FIRST_ROW' }),
      }),
    },
  },
};

describe('a state machine on moto and here', () => {
  it.each(Object.entries(cases))('ends the same: %s', async (title, { states, input = {}, failures: wanted = 0 }) => {
    const text = definition(states);
    failures = wanted;
    const theirs = await onMoto(text, { name: title.replace(/\W+/g, '-'), input });
    failures = wanted;
    expect(await here(text, input)).toEqual(theirs);
  });
});
