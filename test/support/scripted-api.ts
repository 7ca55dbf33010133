import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

interface AskedOfApi {
  /** `METHOD /path`, without the query. */
  readonly what: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, unknown>>;
}

export interface ScriptedReply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON. */
  readonly body?: unknown;
  readonly delayMs?: number;
  /** The connection ends without an answer. */
  readonly breaks?: boolean;
}

/** A server that answers each route by its script: the replies one after another, the last one from then on. */
export interface ScriptedApi extends AsyncDisposable {
  readonly url: string;
  readonly asked: AskedOfApi[];
  script(what: string, ...replies: readonly ScriptedReply[]): void;
}

export async function startScriptedApi(): Promise<ScriptedApi> {
  const scripts = new Map<string, ScriptedReply[]>();
  const asked: AskedOfApi[] = [];
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://api');
    const what = `${request.method} ${url.pathname}`;
    const sent = await text(request);
    const body = sent === '' ? undefined : JSON.parse(sent);
    asked.push({ what, query: Object.fromEntries(url.searchParams), body, headers: request.headers });
    const replies = scripts.get(what) ?? [{ status: 404, body: { error_code: 'ENDPOINT_NOT_FOUND', message: what } }];
    const reply = (replies.length > 1 ? replies.shift() : replies[0]) as ScriptedReply;
    if (reply.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, reply.delayMs));
    if (reply.breaks) return void request.socket.destroy();
    response.writeHead(reply.status ?? 200, reply.headers);
    response.end(typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body ?? {}));
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    script: (what, ...replies) => void scripts.set(what, [...replies]),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
