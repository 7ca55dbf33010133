import { randomUUID } from 'node:crypto';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { type FunctionPool, InvocationError } from '../lambda/function-pool.ts';
import { authorizeSigned, type Signer } from './signature.ts';

export interface Route {
  /** `POST /v1/traces`, `ANY /v1/{proxy+}`, `$default`. */
  readonly key: string;
  readonly pool: FunctionPool;
  /** `iam`: the request is signed with credentials of the account. */
  readonly authorizer?: Authorizer | 'iam';
}

export interface Authorizer {
  readonly pool: FunctionPool;
  readonly cacheSeconds: number;
}

/** API Gateway's and Lambda's limits: an HTTP API's payload, an invocation's payload, the longest wait. */
const maxBodyBytes = 10 * 1024 * 1024;
const maxEventBytes = 6 * 1024 * 1024;
const maxWaitMs = 30_000;

export interface HttpApiOptions {
  readonly routes: () => readonly Route[];
  /** Who may sign requests, by access key. */
  readonly signers: () => ReadonlyMap<string, Signer>;
  readonly log: (line: string) => void;
}

/** An HTTP API with payload format 2.0, its authorizer, and the answers that API Gateway gives by itself. */
export class HttpApi {
  readonly #options: HttpApiOptions;
  readonly #server: Server;
  readonly #decisions = new Map<string, { result: AuthorizerResult; until: number }>();
  readonly #log: (line: string) => void;

  constructor(options: HttpApiOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        this.#log(`api: ${error instanceof Error ? error.stack : String(error)}`);
        if (!response.headersSent) answer(response, 500, 'Internal Server Error');
      });
    });
    this.#server.keepAliveTimeout = 60_000;
  }

  listen(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', () => resolve((this.#server.address() as { port: number }).port));
    });
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const body = await bodyOf(request);
    if (body === undefined) return answer(response, 413, 'Request Entity Too Large');
    const route = findRoute(this.#options.routes(), request.method ?? 'GET', url.pathname);
    if (!route) return answer(response, 404, 'Not Found');
    const event = toEvent(request, { url, body, routeKey: route.key });
    if (route.authorizer === 'iam') {
      const iam = authorizeSigned(
        { method: request.method ?? 'GET', url, headers: event.headers, body },
        this.#options.signers(),
      );
      if (!iam) return answer(response, 403, 'Forbidden');
      return this.#invoke(route, { event: withAuthorizer(event, { iam }), response });
    }
    const decision = await this.#authorize(route.authorizer, event);
    if (decision === 'unauthorized') return answer(response, 401, 'Unauthorized');
    if (!decision.isAuthorized) return answer(response, 403, 'Forbidden');
    return this.#invoke(route, {
      event: decision.context ? withAuthorizer(event, { lambda: decision.context }) : event,
      response,
    });
  }

  async #authorize(
    authorizer: Authorizer | undefined,
    event: APIGatewayProxyEventV2,
  ): Promise<AuthorizerResult | 'unauthorized'> {
    if (!authorizer) return { isAuthorized: true };
    const identity = event.headers.authorization;
    // The identity source is missing: the authorizer is not even asked.
    if (!identity) return 'unauthorized';
    const known = this.#decisions.get(identity);
    if (known && known.until > Date.now()) return known.result;
    const result = (await authorizer.pool.invoke({
      ...event,
      type: 'REQUEST',
      identitySource: [identity],
      routeArn: 'arn:aws:execute-api:us-east-1:123456789012:local/$default',
      body: undefined,
    })) as AuthorizerResult;
    this.#decisions.set(identity, { result, until: Date.now() + authorizer.cacheSeconds * 1000 });
    return result;
  }

  async #invoke(
    { pool }: Route,
    { event, response }: { event: APIGatewayProxyEventV2; response: ServerResponse },
  ): Promise<void> {
    // Lambda refuses the invocation, and the gateway says so with the size, not with the function's failure.
    if ((event.body?.length ?? 0) > maxEventBytes) return answer(response, 413, 'Request Entity Too Large');
    const timeout = new Promise<'timeout'>((resolve) => setTimeout(resolve, maxWaitMs, 'timeout').unref());
    try {
      const result = await Promise.race([pool.invoke(event), timeout]);
      if (result === 'timeout') return answer(response, 503, 'Service Unavailable');
      return reply(response, result as APIGatewayProxyStructuredResultV2);
    } catch (error) {
      if (!(error instanceof InvocationError)) throw error;
      this.#log(`${pool.spec.name} failed: ${error.message}`);
      return answer(
        response,
        error.reason === 'timeout' ? 503 : 500,
        error.reason === 'timeout' ? 'Service Unavailable' : 'Internal Server Error',
      );
    }
  }
}

interface AuthorizerResult {
  readonly isAuthorized: boolean;
  readonly context?: Readonly<Record<string, unknown>>;
}

/** The most particular route: a full match, then the longest greedy one, then the default; a method goes before ANY. */
function findRoute(routes: readonly Route[], method: string, path: string): Route | undefined {
  const score = ({ key }: Route): number => {
    if (key === '$default') return 0;
    const [verb, pattern = ''] = key.split(' ');
    if (verb !== 'ANY' && verb !== method) return -1;
    const verbScore = verb === 'ANY' ? 0 : 1;
    if (pattern === path) return 10_000 + verbScore;
    const greedy = pattern.endsWith('/{proxy+}') ? pattern.slice(0, -'{proxy+}'.length) : undefined;
    return greedy !== undefined && path.startsWith(greedy) && path.length > greedy.length
      ? greedy.length * 2 + verbScore
      : -1;
  };
  return routes
    .map((route) => ({ route, score: score(route) }))
    .filter((candidate) => candidate.score >= 0)
    .toSorted((a, b) => b.score - a.score)[0]?.route;
}

function toEvent(
  request: IncomingMessage,
  { url, body, routeKey }: { url: URL; body: Buffer; routeKey: string },
): APIGatewayProxyEventV2 {
  const headers = joinedHeaders(request.headers);
  const isText =
    /^(text\/|application\/(json|javascript|xml|.*\+json|.*\+xml))/i.test(headers['content-type'] ?? '') &&
    !headers['content-encoding'];
  const query = Object.fromEntries(
    [...new Set(url.searchParams.keys())].map((key) => [key, url.searchParams.getAll(key).join(',')]),
  );
  return {
    version: '2.0',
    routeKey,
    rawPath: url.pathname,
    rawQueryString: url.search.slice(1),
    headers,
    ...(Object.keys(query).length > 0 && { queryStringParameters: query }),
    ...(body.length > 0 && { body: body.toString(isText ? 'utf8' : 'base64') }),
    isBase64Encoded: body.length > 0 && !isText,
    requestContext: {
      accountId: '123456789012',
      apiId: 'local',
      domainName: headers.host ?? 'localhost',
      domainPrefix: 'local',
      http: {
        method: request.method ?? 'GET',
        path: url.pathname,
        protocol: 'HTTP/1.1',
        sourceIp: request.socket.remoteAddress ?? '127.0.0.1',
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey,
      stage: '$default',
      time: new Date().toISOString(),
      timeEpoch: Date.now(),
    },
  };
}

/** Repeated headers arrive joined by commas, names in lower case. */
function joinedHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
}

function withAuthorizer(event: APIGatewayProxyEventV2, authorizer: object): APIGatewayProxyEventV2 {
  return { ...event, requestContext: { ...event.requestContext, authorizer } as typeof event.requestContext };
}

/** Undefined beyond what the gateway takes. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes <= maxBodyBytes) chunks.push(chunk as Buffer);
  }
  return bytes <= maxBodyBytes ? Buffer.concat(chunks) : undefined;
}

function reply(response: ServerResponse, result: APIGatewayProxyStructuredResultV2 | string | undefined): void {
  // A function may answer with a body alone.
  const {
    statusCode = 200,
    headers = {},
    body = '',
    isBase64Encoded = false,
    cookies,
  } = typeof result === 'object' ? result : { headers: { 'content-type': 'application/json' }, body: result ?? '' };
  const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
  response.writeHead(statusCode, {
    ...(headers as Record<string, string>),
    ...(cookies && { 'set-cookie': cookies }),
    'content-length': bytes.length,
  });
  response.end(bytes);
}

/** An answer that the gateway gives by itself. */
function answer(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ message }));
}
