import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { ListStateMachinesCommand, SFNClient } from '@aws-sdk/client-sfn';
import { localCredentials } from '../support/local-credentials.ts';
import { type Engine, installedEngine, startEngine } from './engine-process.ts';

/** What a function answers; an error that it throws is a function error. */
type Functions = Readonly<Record<string, (event: never) => unknown>>;

/**
 * moto's Step Functions, with functions of ours: its engine calls every service at one port of this machine, where we answer for Lambda
 * and hand on the rest.
 */
export async function startMotoStates(functions: Functions): Promise<Engine> {
  let behind = '';
  const router = createServer((request, response) => {
    const [, name] = /^\/2015-03-31\/functions\/(?:.*(?::|%3A))?([^/]+)\/invocations/.exec(request.url ?? '') ?? [];
    const served =
      name === undefined
        ? handOn(request, { response, behind })
        : invoke(request, { response, handler: functions[name] });
    served.catch((error: unknown) => response.destroy(error as Error));
  });
  const port = await new Promise<number>((resolve) => {
    router.listen(0, '127.0.0.1', () => resolve((router.address() as { port: number }).port));
  });
  const python = `${installedEngine('moto')}/bin/python`;
  const script = join(import.meta.dirname, 'moto_states.py');
  const moto = await startEngine(
    (free) => ({
      command: '/usr/bin/env',
      args: [`MOTO_PORT=${port}`, python, script, '-H', '127.0.0.1', '-p', String(free)],
    }),
    (endpoint) =>
      new SFNClient({ endpoint, ...localCredentials, maxAttempts: 1 }).send(new ListStateMachinesCommand({})),
  );
  behind = moto.endpoint;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    async stop() {
      await moto.stop();
      router.closeAllConnections();
      await new Promise((resolve) => router.close(resolve));
    },
  };
}

async function invoke(
  request: IncomingMessage,
  { response, handler }: { response: ServerResponse; handler: Functions[string] | undefined },
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const event = JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}') as never;
  const reply = (status: number, { headers = {}, body }: { headers?: object; body: unknown }) => {
    response.writeHead(status, { 'content-type': 'application/json', 'x-amzn-requestid': 'local', ...headers });
    response.end(JSON.stringify(body ?? null));
  };
  if (!handler) {
    const headers = { 'x-amzn-errortype': 'ResourceNotFoundException' };
    return reply(404, { headers, body: { Message: 'Function not found', Type: 'User' } });
  }
  try {
    reply(200, { body: await handler(event) });
  } catch (error) {
    const { name, message } = error as Error;
    reply(200, {
      headers: { 'x-amz-function-error': 'Unhandled' },
      body: { errorMessage: message, errorType: name },
    });
  }
}

function handOn(
  request: IncomingMessage,
  { response, behind }: { response: ServerResponse; behind: string },
): Promise<void> {
  const { method, url, headers } = request;
  return new Promise((resolve, reject) => {
    const forwarded = httpRequest(new URL(url ?? '/', behind), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response).once('finish', resolve);
    });
    forwarded.once('error', reject);
    request.pipe(forwarded);
  });
}
