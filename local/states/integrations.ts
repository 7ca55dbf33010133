import type { Clock } from './clock.ts';
import { unlessAborted } from './clock.ts';
import { AwsCallError, type RoleCalls } from './role-calls.ts';
import { StateError } from './state-error.ts';

/** What a task runs. */
export interface Integration {
  /** As the history names it. */
  readonly resourceType: string;
  readonly resource: string;
  readonly run: (input: unknown, context: IntegrationContext) => Promise<unknown>;
}

interface IntegrationContext {
  readonly calls: RoleCalls;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** What a task's resource stands for; undefined where it cannot be run here. */
export function integrationOf(resource: string): Integration | undefined {
  if (/^arn:aws:lambda:[^:]*:\d*:function:/.test(resource))
    return {
      resourceType: 'lambda',
      resource,
      run: async (input, context) => (await invoke(resource, input, context)).payload,
    };
  const [, service, operation, pattern] =
    /^arn:aws:states:::(?:aws-sdk:)?([a-z]+):([A-Za-z0-9]+)(?:\.(.+))?$/.exec(resource) ?? [];
  if (service === undefined || operation === undefined) return undefined;
  if (resource === 'arn:aws:states:::lambda:invoke') return lambdaInvoke;
  if (resource === 'arn:aws:states:::athena:startQueryExecution.sync') return athenaQuery;
  const known = services[service];
  if (!known || pattern !== undefined) return undefined;
  return {
    resourceType: resource.includes(':aws-sdk:') ? `aws-sdk:${service}` : service,
    resource: operation,
    run: (input, { calls }) => called(known, { calls, operation: capitalized(operation), input }),
  };
}

/** As errors name them, and as the signature does. */
const services: Readonly<Record<string, { readonly client: string; readonly signed: string }>> = {
  athena: { client: 'Athena', signed: 'athena' },
  dynamodb: { client: 'DynamoDb', signed: 'dynamodb' },
  firehose: { client: 'Firehose', signed: 'firehose' },
  secretsmanager: { client: 'SecretsManager', signed: 'secretsmanager' },
  sfn: { client: 'Sfn', signed: 'states' },
  sqs: { client: 'Sqs', signed: 'sqs' },
};

function capitalized(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

async function called(
  { client, signed }: { client: string; signed: string },
  { calls, operation, input }: { calls: RoleCalls; operation: string; input: unknown },
): Promise<unknown> {
  try {
    return await calls.call(signed, operation, input);
  } catch (error) {
    if (!(error instanceof AwsCallError)) throw error;
    throw new StateError(`${client}.${error.code}`, describe(error, client));
  }
}

function describe({ message, status, code }: AwsCallError, service: string): string {
  return `${message} (Service: ${service}, Status Code: ${status}, Error Code: ${code})`;
}

/** Step Functions developer guide, "Invoke an AWS Lambda function with Step Functions". */
const lambdaInvoke: Integration = {
  resourceType: 'lambda',
  resource: 'invoke',
  run: async (input, context) => {
    const { FunctionName, Payload } = input as { FunctionName: string; Payload?: unknown };
    const { payload } = await invoke(FunctionName, Payload ?? {}, context);
    return {
      ExecutedVersion: '$LATEST',
      Payload: payload,
      SdkResponseMetadata: { RequestId: 'local' },
      StatusCode: 200,
    };
  },
};

async function invoke(
  name: string,
  input: unknown,
  { calls, signal }: IntegrationContext,
): Promise<{ payload: unknown }> {
  const { functionError, payload } = await unlessAborted(asLambda(calls.invoke(name, JSON.stringify(input))), signal);
  if (functionError === undefined) return { payload: JSON.parse(payload) };
  const { errorType = 'Lambda.Unknown' } = JSON.parse(payload) as { errorType?: string };
  throw new StateError(errorType, payload);
}

/** Lambda's refusals keep their names where they have one of their own: developer guide, "Error names" and "Handling errors". */
async function asLambda<T>(invocation: Promise<T>): Promise<T> {
  try {
    return await invocation;
  } catch (error) {
    if (!(error instanceof AwsCallError)) throw error;
    const name = error.status === 403 || error.code.startsWith('AccessDenied') ? 'AWSLambdaException' : error.code;
    throw new StateError(`Lambda.${error.status >= 500 ? 'ServiceException' : name}`, describe(error, 'Lambda'));
  }
}

const pollMs = 500;

/** Runs the query to its end: developer guide, "Run Athena queries with Step Functions". */
const athenaQuery: Integration = {
  resourceType: 'athena',
  resource: 'startQueryExecution.sync',
  run: async (input, { calls, clock, signal }) => {
    const call = (operation: string, value: unknown) =>
      called({ client: 'Athena', signed: 'athena' }, { calls, operation, input: value });
    const { QueryExecutionId } = (await call('StartQueryExecution', input)) as { QueryExecutionId: string };
    for (;;) {
      const answer = (await call('GetQueryExecution', { QueryExecutionId })) as {
        QueryExecution: { Status: { State: string } };
      };
      const { State } = answer.QueryExecution.Status;
      if (State === 'SUCCEEDED') return answer;
      if (State !== 'QUEUED' && State !== 'RUNNING')
        throw new StateError('States.TaskFailed', JSON.stringify(answer.QueryExecution));
      await clock.sleep(pollMs, signal);
    }
  },
};
