import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { lambdaFunctionInvoker } from '../../../../shared/adapters/lambda-function-invoker.ts';
import { SandboxUnavailableError } from '../../../../shared/domain/code/run-code.ts';

interface Scripted {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly hangs?: true;
  readonly resets?: true;
}

let scripted: Scripted = {};
let asked: { path: string; body: string } | undefined;
let server: Server;
let clients = 0;
beforeAll(async () => {
  server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    asked = { path: request.url ?? '', body };
    if (scripted.hangs) return;
    if (scripted.resets) {
      request.socket.resetAndDestroy();
      return;
    }
    response.writeHead(scripted.status ?? 200, scripted.headers);
    response.end(scripted.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const clientOf = (port: number) =>
  new LambdaClient({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    maxAttempts: 1,
  });
const invoker = lambdaFunctionInvoker(
  async () => {
    clients++;
    return clientOf((server.address() as AddressInfo).port);
  },
  { timeoutMs: 300 },
);

const threw = { 'x-amz-function-error': 'Unhandled' };

it('hands on payload and answer as they are, with one client', async () => {
  scripted = { body: '{"value": true}' };
  expect(await invoker.invoke('assay-scorer-a', '{"inputs":"ü"}')).toEqual({ payload: '{"value": true}' });
  await invoker.invoke('assay-scorer-a', '{"inputs":"ü"}');
  expect(asked).toEqual({ path: '/2015-03-31/functions/assay-scorer-a/invocations', body: '{"inputs":"ü"}' });
  expect(clients).toBe(1);
});

it.each<[string, Scripted, object]>([
  [
    'threw',
    { headers: threw, body: '{"errorType":"KeyError","errorMessage":"q","stackTrace":["a","b"]}' },
    { kind: 'threw', type: 'KeyError', message: 'q', stack: 'a\nb' },
  ],
  ['threw what is no JSON', { headers: threw, body: 'oh' }, { kind: 'threw', type: 'Error', message: 'oh' }],
  [
    'took too long',
    {
      headers: threw,
      body: '{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: 1 Error: Task timed out after 3.00 seconds"}',
    },
    { kind: 'timeout' },
  ],
  [
    'ran out of memory',
    { headers: threw, body: '{"errorType":"Runtime.OutOfMemory","errorMessage":"RequestId: 1"}' },
    { kind: 'memory' },
  ],
  [
    'was killed',
    {
      headers: threw,
      body: '{"errorType":"Runtime.ExitError","errorMessage":"RequestId: 1 Error: Runtime exited with error: signal: killed"}',
    },
    { kind: 'memory' },
  ],
  [
    'does not exist',
    {
      status: 404,
      headers: { 'x-amzn-errortype': 'ResourceNotFoundException' },
      body: '{"Message":"Function not found"}',
    },
    { kind: 'missing' },
  ],
  [
    'takes less',
    { status: 413, headers: { 'x-amzn-errortype': 'RequestTooLargeException' }, body: '{}' },
    { kind: 'payload-too-large' },
  ],
  ['says too much', { body: `"${'x'.repeat(1_100_000)}"` }, { kind: 'answer-too-large' }],
  ['never answers', { hangs: true }, { kind: 'timeout' }],
])('tells that the function %s', async (_, script, failure) => {
  scripted = script;
  expect(await invoker.invoke('assay-scorer-a', '{}')).toMatchObject({ failure });
});

it.each<[string, Scripted]>([
  [
    'throttled',
    {
      status: 429,
      headers: { 'x-amzn-errortype': 'TooManyRequestsException' },
      body: '{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded"}',
    },
  ],
  ['unavailable', { status: 503, headers: { 'x-amzn-errortype': 'ServiceUnavailableException' }, body: '{}' }],
  ['not ready', { status: 502, headers: { 'x-amzn-errortype': 'ResourceNotReadyException' }, body: '{}' }],
  ['cut off', { resets: true }],
  ['denied', { status: 403, headers: { 'x-amzn-errortype': 'AccessDeniedException' }, body: '{"Message":"no"}' }],
])('says nothing of the scorer where it is %s', async (_, script) => {
  scripted = script;
  await expect(invoker.invoke('assay-scorer-a', '{}')).rejects.toThrow(SandboxUnavailableError);
});

it('says nothing of the scorer where nothing listens', async () => {
  const nowhere = lambdaFunctionInvoker(async () => clientOf(1));
  await expect(nowhere.invoke('assay-scorer-a', '{}')).rejects.toThrow(SandboxUnavailableError);
});
