import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { anthropicWire } from './anthropic-wire.ts';
import { bedrockWire } from './bedrock-wire.ts';
import { openAiWire } from './openai-wire.ts';
import { type Asked, type Script, type Scripted, toAnswer } from './script.ts';
import type { Body, HttpReply, Wire } from './wire.ts';

const wires: readonly Wire[] = [bedrockWire, openAiWire, anthropicWire];

/** A request that a provider would have refused, and why. */
export interface Refused {
  readonly provider: Asked['provider'];
  readonly problems: readonly string[];
}

/**
 * Bedrock's Converse, OpenAI's chat completions and Anthropic's messages on a port of this machine, answered by a script instead of a model.
 * Requests are checked as their providers would; what does not pass is refused and remembered.
 */
export class ModelServer {
  /** What it does with the next requests; without a script it finds a verdict that fits. */
  script: Script;
  readonly asked: Asked[] = [];
  readonly refused: Refused[] = [];
  readonly #server: Server;
  #inFlight = 0;
  /** The most requests that waited for an answer at one time. */
  mostInFlight = 0;

  constructor(script: Script = () => ({})) {
    this.script = script;
    this.#server = createServer((request, response) => {
      this.#inFlight += 1;
      this.mostInFlight = Math.max(this.mostInFlight, this.#inFlight);
      response.once('close', () => {
        this.#inFlight -= 1;
      });
      this.#serve(request, response).catch((error: unknown) =>
        send(response, { status: 599, headers: {}, body: { message: `the script failed: ${String(error)}` } }),
      );
    });
    this.#server.keepAliveTimeout = 60_000;
  }

  async listen(port = 0): Promise<this> {
    await new Promise<void>((resolve, reject) => this.#server.once('error', reject).listen(port, '127.0.0.1', resolve));
    return this;
  }

  /** Without a path: `AWS_ENDPOINT_URL_BEDROCK_RUNTIME` as it is, base URL of the others with `/v1`. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  forget(): void {
    this.asked.length = 0;
    this.refused.length = 0;
    this.mostInFlight = 0;
    this.script = () => ({});
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname === '/_seen') return send(response, { status: 200, headers: {}, body: this.#seen() });
    const text = Buffer.concat(await request.toArray()).toString('utf8');
    const wire = wires.find((candidate) => candidate.model(pathname) !== undefined);
    if (!wire || request.method !== 'POST')
      return send(response, { status: 404, headers: {}, body: { message: `no route ${pathname}` } });
    const headers = request.headers as Readonly<Record<string, string | undefined>>;
    const body = JSON.parse(text) as Body;
    const problems = wire.problems(body, headers);
    if (problems.length > 0) {
      this.refused.push({ provider: wire.provider, problems });
      return send(response, wire.refusal({ status: 400, message: problems.join('; ') }));
    }
    const read = wire.read(body, headers);
    const asked: Asked = {
      provider: wire.provider,
      body,
      count: this.asked.length + 1,
      ...read,
      model: read.model ?? wire.model(pathname) ?? '',
    };
    this.asked.push(asked);
    await perform(await this.script(asked), { wire, asked, response });
  }

  #seen(): object {
    return { requests: this.asked.length, refused: this.refused, most_in_flight: this.mostInFlight };
  }
}

async function perform(
  scripted: Scripted,
  { wire, asked, response }: { wire: Wire; asked: Asked; response: ServerResponse },
): Promise<void> {
  const { fails, delayMs = 0, damage } = scripted;
  if (delayMs > 0) await sleep(delayMs);
  if (damage === 'hung-up') return void response.destroy();
  if (fails === undefined) return send(response, wire.reply(toAnswer(asked, scripted), asked), damage);
  const { status, code, message = `scripted failure ${status}`, headers = {} } = fails;
  const refusal = wire.refusal({ status, code, message });
  send(response, { ...refusal, headers: { ...refusal.headers, ...headers } }, damage);
}

function send(response: ServerResponse, { status, headers, body }: HttpReply, damage?: 'truncated'): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(damage === 'truncated' ? text.slice(0, Math.floor(text.length / 2)) : text);
}
