import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AwsError } from '../../../../local/gateway/aws-error.ts';
import { Gateway, type InProcessService } from '../../../../local/gateway/gateway.ts';
import type { Statement } from '../../../../local/gateway/policy.ts';
import { gatewayCalls } from '../../../../local/states/gateway-calls.ts';
import type { RoleCalls } from '../../../../local/states/role-calls.ts';
import { aMachine, definition, outputOf } from '../../../support/states/a-machine.ts';

const machineArn = 'arn:aws:states:us-east-1:123456789012:stateMachine:Backfill';
const functionArn = 'arn:aws:lambda:us-east-1:123456789012:function:slice';
const tableArn = 'arn:aws:dynamodb:us-east-1:123456789012:table/Runs';
let gateway: Gateway;
let calls: RoleCalls;
let statements: Statement[];
let services: Record<string, InProcessService>;

beforeEach(async () => {
  statements = [];
  services = {};
  const table = { id: 'Runs', type: 'AWS::DynamoDB::Table', properties: {}, metadata: {}, ref: 'Runs', arn: tableArn };
  gateway = new Gateway({
    resources: () => [table],
    callers: new Map([['MACHINE0', { kind: 'state machine', name: 'Backfill', statements }]]),
    upstreams: new Map(),
    services,
    control: () => undefined,
  });
  const endpoint = `http://127.0.0.1:${await gateway.listen()}`;
  calls = gatewayCalls({ endpoint, accessKeyId: 'MACHINE0', machineArn, gateway });
});
afterEach(() => gateway.close());

function allow(Action: string, Resource: string): void {
  statements.push({ Effect: 'Allow', Action, Resource });
}

const denied = /state machine Backfill is not authorized to perform/;

describe('calls of a state machine', () => {
  it('invoke a function by its ARN, where the role may', async () => {
    services.lambda = async (_, input) => ({
      Payload: JSON.stringify({ got: input.FunctionName, with: input.Payload }),
    });
    await expect(calls.invoke(functionArn, '{"a":1}')).rejects.toMatchObject({
      message: expect.stringMatching(denied),
    });
    allow('lambda:InvokeFunction', functionArn);
    const { payload, functionError } = await calls.invoke(`${functionArn}:$LATEST`, '{"a":1}');
    expect([JSON.parse(payload), functionError]).toEqual([{ got: 'slice', with: '{"a":1}' }, undefined]);
    expect([...(gateway.accesses.get('Backfill')?.values() ?? [])]).toEqual([
      { action: 'lambda:InvokeFunction', resource: functionArn },
    ]);
  });

  it('that the role does not grant fail as those of AWS do', async () => {
    const Only = { Type: 'Task', Resource: functionArn, End: true };
    const execution = await aMachine(definition({ Only }), { calls }).run();
    expect(execution.log.recorded.end).toMatchObject({ error: 'Lambda.AWSLambdaException' });
    expect(execution.log.recorded.end?.cause).toMatch(denied);
  });

  it('reach S3 for the objects that the role names', async () => {
    await expect(calls.getObject('data', 'plan/slices')).rejects.toMatchObject({ code: 'AccessDenied', status: 403 });
    await expect(calls.putObject('data', 'out', 'x')).rejects.toMatchObject({ code: 'AccessDenied' });
    await expect(calls.listObjects('data', 'plan/')).rejects.toMatchObject({
      message: expect.stringContaining('s3:ListBucket on arn:aws:s3:::data'),
    });
  });

  it('start children of the machine itself', async () => {
    await expect(calls.startChildren()).rejects.toMatchObject({ code: 'AccessDeniedException' });
    allow('states:StartExecution', machineArn);
    await expect(calls.startChildren()).resolves.toBeUndefined();
  });

  it('speak JSON with the other services', async () => {
    services.dynamodb = async (operation, input) => {
      if (operation === 'GetItem') return { Item: input.Key };
      throw new AwsError('ConditionalCheckFailedException', 'The conditional request failed');
    };
    allow('dynamodb:*', tableArn);
    const input = { TableName: 'Runs', Key: { pk: { S: 'a' } } };
    expect(await calls.call('dynamodb', 'GetItem', input)).toEqual({ Item: { pk: { S: 'a' } } });
    await expect(calls.call('dynamodb', 'PutItem', input)).rejects.toMatchObject({
      ...{ code: 'ConditionalCheckFailedException', status: 400, message: 'The conditional request failed' },
    });
  });

  // https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
  it('have names with capital letters, those of Step Functions too', async () => {
    const other = `${machineArn}Other`;
    services.states = async (_, input) => ({ executionArn: `${String(input.stateMachineArn)}:${String(input.name)}` });
    allow('states:StartExecution', other);
    const Start = {
      ...{ Type: 'Task', Resource: 'arn:aws:states:::aws-sdk:sfn:startExecution', End: true },
      Arguments: { StateMachineArn: other, Name: 'b' },
    };
    const execution = await aMachine(definition({ Start }), { calls }).run();
    expect(outputOf(execution)).toEqual({ ExecutionArn: `${other}:b` });
  });
});
