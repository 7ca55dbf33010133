import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { DeployedResource } from '../template/assembly.ts';
import { type AwsCall, accessesOf } from './accesses.ts';
import { AwsError } from './aws-error.ts';
import { ConditionalPuts } from './conditional-puts.ts';
import { type Access, isAllowed, type Statement } from './policy.ts';

/** A function or a state machine as the gateway knows it: by the access key that it signs with. */
export interface Caller {
  readonly kind: 'function' | 'state machine';
  readonly name: string;
  readonly statements: readonly Statement[];
}

/** A service that answers in this process. Throws AwsError. */
export type InProcessService = (operation: string, input: Readonly<Record<string, unknown>>) => Promise<unknown>;

export interface GatewayOptions {
  readonly resources: () => readonly DeployedResource[];
  readonly callers: ReadonlyMap<string, Caller>;
  /** What answers for a service: an emulator's port on this machine, or any server. */
  readonly upstreams: ReadonlyMap<string, number | URL>;
  readonly services: Readonly<Record<string, InProcessService>>;
  /** In which workgroup a query of Athena runs. */
  readonly workgroupOf?: (queryExecutionId: string) => string | undefined;
  /** Answers what no service does: the stack's own controls. */
  readonly control: (path: string) => Promise<unknown> | undefined;
}

/**
 * One endpoint for all of AWS. Tells the service by the signature's scope and the caller by its access key; what a function's role does
 * not grant is refused as AWS refuses it.
 */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #server: Server;
  /** What each function has done so far, by its name: to be held against what it was granted. */
  readonly accesses = new Map<string, Map<string, Access>>();
  /** Receipts of messages whose next delivery a function has put off itself. */
  readonly delayedReceipts = new Set<string>();
  readonly #conditionalPuts = new ConditionalPuts();
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) =>
        refuse(response, { service: serviceOf(request), error }),
      );
    });
    this.#server.keepAliveTimeout = 60_000;
  }

  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', () => resolve((this.#server.address() as { port: number }).port));
    });
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (url.pathname.startsWith('/_local/')) return this.#control(url.pathname, response);
    const body = await bodyOf(request);
    const service = serviceOf(request);
    const call = toCall(request, { service, url, body });
    this.#check(request, call);
    const inProcess = this.#options.services[service];
    if (service === 'lambda' && inProcess) return replyInvoked(response, await inProcess(call.operation, call.input()));
    if (inProcess) return reply(response, await inProcess(call.operation, call.input()));
    const translated = await this.#options.services[`${service}.${call.operation}`]?.(call.operation, call.input());
    if (translated !== undefined) return reply(response, translated);
    const upstream = this.#options.upstreams.get(service);
    if (upstream === undefined) throw new AwsError('UnknownService', `the local stack has no ${service}`);
    const address = addressOf(upstream);
    const forward = () => this.#forward(request, response, { ...address, body });
    return service === 's3' ? this.#conditionalPuts.run(request, { port: address.port, put: forward }) : forward();
  }

  async #control(path: string, response: ServerResponse): Promise<void> {
    const answer = this.#options.control(path);
    if (answer === undefined) throw new AwsError('NotFound', `no control ${path}`, 404);
    reply(response, (await answer) ?? {});
  }

  #check(request: IncomingMessage, call: AwsCall): void {
    const accessKeyId = accessKeyOf(request);
    if (!this.#options.callers.has(accessKeyId)) return;
    for (const access of accessesOf(call, this.#options.resources(), this.#options.workgroupOf)) {
      this.authorize(accessKeyId, access);
      if (access.action === 'sqs:ChangeMessageVisibility') this.delayedReceipts.add(String(call.input().ReceiptHandle));
    }
  }

  /** Refuses what the caller's role does not grant, and notes what it does. Throws AwsError. */
  authorize(accessKeyId: string, access: Access): void {
    const caller = this.#options.callers.get(accessKeyId);
    if (caller === undefined) return;
    if (isAllowed(access, caller.statements)) {
      this.#record(caller.name, access);
      return;
    }
    const text = `${caller.kind} ${caller.name} is not authorized to perform ${access.action} on ${access.resource}: no statement of its role allows it`;
    const isS3 = access.action.startsWith('s3:');
    throw new AwsError(isS3 ? 'AccessDenied' : 'AccessDeniedException', text, isS3 ? 403 : 400);
  }

  #record(name: string, access: Access): void {
    const known = this.accesses.get(name) ?? new Map<string, Access>();
    known.set(`${access.action} ${access.resource}`, access);
    this.accesses.set(name, known);
  }

  #forward(
    request: IncomingMessage,
    response: ServerResponse,
    { host, port, body }: { host: string; port: number; body: Buffer },
  ): Promise<void> {
    const { method, url: path, headers } = request;
    return new Promise((resolve, reject) => {
      const forwarded = httpRequest({ host, port, method, path, headers, agent: this.#agent }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
        answer.once('end', resolve);
        answer.once('error', reject);
      });
      forwarded.once('error', reject);
      forwarded.end(body);
    });
  }
}

function addressOf(upstream: number | URL): { host: string; port: number } {
  if (typeof upstream === 'number') return { host: '127.0.0.1', port: upstream };
  return { host: upstream.hostname, port: Number(upstream.port || 80) };
}

function toCall(
  request: IncomingMessage,
  { service, url, body }: { service: string; url: URL; body: Buffer },
): AwsCall {
  if (service === 'lambda') return toInvocation(request, { url, body });
  let parsed: Record<string, unknown> | undefined;
  const target = String(request.headers['x-amz-target'] ?? '');
  return {
    service,
    operation: target.split('.').at(-1) ?? '',
    method: request.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    input: () => (parsed ??= JSON.parse(body.toString('utf8') || '{}') as Record<string, unknown>),
  };
}

/** `POST /2015-03-31/functions/<name>/invocations`: Lambda API reference, "Invoke". */
function toInvocation(request: IncomingMessage, { url, body }: { url: URL; body: Buffer }): AwsCall {
  const [, name] = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(url.pathname) ?? [];
  if (name === undefined)
    throw new AwsError('UnknownOperation', `the local stack only invokes functions: ${url.pathname}`);
  const input = { FunctionName: decodeURIComponent(name), Payload: body.toString('utf8') };
  return {
    service: 'lambda',
    operation: 'Invoke',
    method: request.method ?? 'POST',
    path: url.pathname,
    query: url.searchParams,
    input: () => input,
  };
}

function replyInvoked(response: ServerResponse, answer: unknown): void {
  const { FunctionError, Payload } = answer as { FunctionError?: string; Payload: string };
  response.writeHead(200, {
    'content-type': 'application/json',
    'x-amzn-requestid': 'local',
    ...(FunctionError !== undefined && { 'x-amz-function-error': FunctionError }),
  });
  response.end(Payload);
}

/** `Credential=<key>/<date>/<region>/<service>/aws4_request`, in the header or, of a signed URL, in the query. */
function credentialOf(request: IncomingMessage): readonly string[] {
  const header = /Credential=([^,\s]+)/.exec(request.headers.authorization ?? '')?.[1];
  const query = /[?&]X-Amz-Credential=([^&]+)/.exec(request.url ?? '')?.[1];
  return (header ?? decodeURIComponent(query ?? '')).split('/');
}

function accessKeyOf(request: IncomingMessage): string {
  return credentialOf(request)[0] ?? '';
}

function serviceOf(request: IncomingMessage): string {
  return credentialOf(request)[3] ?? 's3';
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function reply(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': 'local' });
  response.end(JSON.stringify(value));
}

function refuse(response: ServerResponse, { service, error }: { service: string; error: unknown }): void {
  const { code, status } = error instanceof AwsError ? error : { code: 'InternalFailure', status: 500 };
  const message = error instanceof Error ? error.message : String(error);
  if (response.headersSent) {
    response.destroy();
  } else if (service === 's3') {
    response.writeHead(status, { 'content-type': 'application/xml' });
    response.end(`<Error><Code>${code}</Code><Message>${message.replace(/[<&]/g, ' ')}</Message></Error>`);
  } else {
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-requestid': 'local' });
    response.end(JSON.stringify({ __type: code, message, Message: message }));
  }
}
