import { describe, expect, it } from 'vitest';
import { AwsCallError } from '../../../../local/states/role-calls.ts';
import { aMachine, definition, outputOf } from '../../../support/states/a-machine.ts';
import { FakeRoleCalls } from '../../../support/states/fake-role-calls.ts';

const functionArn = 'arn:aws:lambda:us-east-1:123456789012:function:slice';

function invoking(rest: object = {}): Record<string, unknown> {
  return {
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke',
    Arguments: { FunctionName: functionArn, Payload: '{% $states.input %}' },
    End: true,
    ...rest,
  };
}

function failing(name: string): () => never {
  return () => {
    throw Object.assign(new Error('as asked'), { name });
  };
}

function callsTo(handler: (event: never) => unknown): FakeRoleCalls {
  const calls = new FakeRoleCalls();
  calls.functions.slice = handler;
  return calls;
}

// https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html
describe('a task that invokes a function', () => {
  it('gets the payload with what Lambda says of the call', async () => {
    const calls = callsTo(({ n }: { n: number }) => ({ twice: n * 2 }));
    expect(outputOf(await aMachine(definition({ Slice: invoking() }), { calls }).run({ n: 2 }))).toEqual({
      ExecutedVersion: '$LATEST',
      Payload: { twice: 4 },
      SdkResponseMetadata: { RequestId: 'local' },
      StatusCode: 200,
    });
  });

  it('gets the payload alone where the function itself is the resource', async () => {
    const calls = callsTo(({ n }: { n: number }) => ({ twice: n * 2 }));
    const Slice = { Type: 'Task', Resource: functionArn, End: true };
    expect(outputOf(await aMachine(definition({ Slice }), { calls }).run({ n: 2 }))).toEqual({ twice: 4 });
  });

  it('fails with the type of the error that was thrown', async () => {
    const calls = callsTo(failing('MalformedSliceError'));
    const execution = await aMachine(definition({ Slice: invoking() }), { calls }).run();
    expect(execution.log.recorded.end).toMatchObject({
      status: 'FAILED',
      error: 'MalformedSliceError',
      cause: '{"errorType":"MalformedSliceError","errorMessage":"as asked"}',
    });
  });

  it.each([
    ['TooManyRequestsException', 429, 'Lambda.TooManyRequestsException'],
    ['ResourceNotFoundException', 404, 'Lambda.ResourceNotFoundException'],
    ['InternalFailure', 500, 'Lambda.ServiceException'],
    ['AccessDeniedException', 400, 'Lambda.AWSLambdaException'],
  ])('names what Lambda refuses: %s', async (code, status, error) => {
    const calls = callsTo(() => {
      throw new AwsCallError(code, { message: 'no', status });
    });
    const execution = await aMachine(definition({ Slice: invoking() }), { calls }).run();
    expect(execution.log.recorded.end).toMatchObject({ error });
  });

  it('fails once its time is over', async () => {
    const calls = callsTo(() => new Promise(() => undefined));
    const { run, clock } = aMachine(definition({ Slice: invoking({ TimeoutSeconds: 30 }) }), { calls });
    const execution = await run();
    expect(execution.log.recorded.end).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
    expect(clock.now()).toBe(Date.UTC(2026, 0, 1, 0, 0, 30));
  });

  // https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
  it('fails on a result that is too large, which only its name catches', async () => {
    const calls = callsTo(() => 'x'.repeat(300_000));
    const catching = (name: string) => ({ Catch: [{ ErrorEquals: [name], Next: 'Caught' }] });
    const statesWith = (name: string) =>
      definition({ Slice: invoking(catching(name)), Caught: { Type: 'Pass', End: true } });
    const all = await aMachine(statesWith('States.ALL'), { calls }).run();
    expect(all.log.recorded.end?.error).toBe('States.DataLimitExceeded');
    const named = await aMachine(statesWith('States.DataLimitExceeded'), { calls }).run();
    expect(outputOf(named)).toMatchObject({ Error: 'States.DataLimitExceeded' });
  });
});

describe('a task that calls another service', () => {
  it('calls the operation and gives its answer on', async () => {
    const calls = new FakeRoleCalls();
    calls.services['dynamodb.GetItem'] = ({ Key }) => ({ Item: Key });
    const Get = {
      Type: 'Task',
      Resource: 'arn:aws:states:::aws-sdk:dynamodb:getItem',
      Arguments: { TableName: 'Runs', Key: { pk: { S: '{% $states.input.id %}' } } },
      Output: '{% $states.result.Item.pk.S %}',
      End: true,
    };
    expect(outputOf(await aMachine(definition({ Get }), { calls }).run({ id: 'b-1' }))).toBe('b-1');
  });

  // https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
  it('fails with the names of the service and of its exception', async () => {
    const calls = new FakeRoleCalls();
    calls.services['dynamodb.PutItem'] = () => {
      throw new AwsCallError('ConditionalCheckFailedException', { message: 'no', status: 400 });
    };
    const Put = { Type: 'Task', Resource: 'arn:aws:states:::aws-sdk:dynamodb:putItem', Arguments: {}, End: true };
    const execution = await aMachine(definition({ Put }), { calls }).run();
    expect(execution.log.recorded.end?.error).toBe('DynamoDb.ConditionalCheckFailedException');
  });

  // https://docs.aws.amazon.com/step-functions/latest/dg/connect-athena.html
  it('waits for a query of Athena', async () => {
    const answers = ['QUEUED', 'RUNNING', 'SUCCEEDED'];
    const calls = new FakeRoleCalls();
    calls.services['athena.StartQueryExecution'] = () => ({ QueryExecutionId: 'q' });
    calls.services['athena.GetQueryExecution'] = () => ({ QueryExecution: { Status: { State: answers.shift() } } });
    const Query = {
      ...{ Type: 'Task', Resource: 'arn:aws:states:::athena:startQueryExecution.sync', End: true },
      ...{ Arguments: { QueryString: 'SELECT 1' }, Output: '{% $states.result.QueryExecution.Status.State %}' },
    };
    expect(outputOf(await aMachine(definition({ Query }), { calls }).run())).toBe('SUCCEEDED');
    expect(answers).toEqual([]);
  });
});

// https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
describe('a task that fails', () => {
  it('is tried again with growing delays, then caught', async () => {
    const calls = callsTo(failing('Busy'));
    const Slice = invoking({
      Retry: [{ ErrorEquals: ['Busy'], IntervalSeconds: 2, BackoffRate: 3, MaxAttempts: 3, MaxDelaySeconds: 10 }],
      Catch: [
        {
          ErrorEquals: ['States.ALL'],
          Next: 'Caught',
          Assign: { code: '{% $states.errorOutput.Error %}' },
          Output: { of: '{% $states.input.n %}', cause: '{% $parse($states.errorOutput.Cause).errorMessage %}' },
        },
      ],
    });
    const Caught = { Type: 'Pass', Output: ['{% $code %}', '{% $states.input %}'], End: true };
    const { run, clock } = aMachine(definition({ Slice, Caught }), { calls });
    const execution = await run({ n: 7 });
    expect(outputOf(execution)).toEqual(['Busy', { of: 7, cause: 'as asked' }]);
    expect(calls.invoked).toHaveLength(4);
    // 2, 6, and 10 instead of 18.
    expect((clock.now() - Date.UTC(2026, 0, 1)) / 1000).toBe(18);
    expect(execution.log.recorded.transitions).toBe(2 + 3);
  });

  it('is put off by chance where the retrier says so', async () => {
    const calls = callsTo(failing('Busy'));
    const Retry = [{ ErrorEquals: ['Busy'], IntervalSeconds: 8, MaxAttempts: 1, JitterStrategy: 'FULL' }];
    const { run, clock } = aMachine(definition({ Slice: invoking({ Retry }) }), { calls, chance: () => 0.25 });
    await run();
    expect((clock.now() - Date.UTC(2026, 0, 1)) / 1000).toBe(2);
  });

  it('counts the tries of each retrier by itself', async () => {
    const errors = ['A', 'B', 'A', 'B', 'A'];
    const calls = callsTo(() => failing(errors.shift() ?? 'None')());
    const Retry = [
      { ErrorEquals: ['A'], MaxAttempts: 2, IntervalSeconds: 1 },
      { ErrorEquals: ['States.TaskFailed'], MaxAttempts: 5, IntervalSeconds: 1 },
    ];
    const execution = await aMachine(definition({ Slice: invoking({ Retry }) }), { calls }).run();
    expect(calls.invoked).toHaveLength(5);
    expect(execution.log.recorded.end?.error).toBe('A');
  });

  it('tells how often it was tried', async () => {
    const calls = callsTo(({ retries }: { retries: number }) => (retries < 2 ? failing('Busy')() : { retries }));
    const Slice = invoking({
      Arguments: { FunctionName: functionArn, Payload: { retries: '{% $states.context.State.RetryCount %}' } },
      Output: '{% $states.result.Payload.retries %}',
      Retry: [{ ErrorEquals: ['States.ALL'] }],
    });
    expect(outputOf(await aMachine(definition({ Slice }), { calls }).run())).toBe(2);
  });

  it('is caught by States.TaskFailed, but for a timeout', async () => {
    const calls = callsTo(() => new Promise(() => undefined));
    const Slice = invoking({ TimeoutSeconds: 1, Catch: [{ ErrorEquals: ['States.TaskFailed'], Next: 'Caught' }] });
    const execution = await aMachine(definition({ Slice, Caught: { Type: 'Succeed' } }), { calls }).run();
    expect(execution.log.recorded.end?.error).toBe('States.Timeout');
  });

  it('catches what goes wrong in its own expressions', async () => {
    const Slice = invoking({
      Arguments: { FunctionName: '{% $states.input.none %}' },
      Catch: [{ ErrorEquals: ['States.QueryEvaluationError'], Next: 'Caught' }],
    });
    const Caught = { Type: 'Pass', Output: '{% $states.input.Error %}', End: true };
    const execution = await aMachine(definition({ Slice, Caught })).run();
    expect(outputOf(execution)).toBe('States.QueryEvaluationError');
  });
});
