import { createKey } from '../../cli/keys.ts';
import { type LocalStack, type LocalStackOptions, startLocalStack } from '../../local/stack.ts';
import { dynamoKeyStore } from '../../shared/adapters/dynamo-key-store.ts';
import type { Role } from '../../shared/domain/api-key.ts';

/** A running stack with the means that tests need. */
export interface TestStack {
  readonly stack: LocalStack;
  readonly adminKey: string;
  /** Makes a key, for some experiments and so many requests a second only where they are given. */
  makeKey(role: Role, experimentIds?: readonly string[], rateLimit?: number): Promise<string>;
  /** Sends an OTLP request with the admin key; what is not given is a protobuf body for experiment 0. */
  send(body: Uint8Array | string, options?: SendOptions): Promise<Reply>;
  /** Calls the API with the admin key. */
  api(method: string, path: string, body?: object): Promise<Reply>;
  stop(): Promise<void>;
}

interface SendOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** null: none. */
  readonly key?: string | null;
  readonly path?: string;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
  json(): Record<string, never>;
}

/** Lines of the stack's log, for a failing test to show. */
export async function startTestStack(options: LocalStackOptions = {}): Promise<TestStack> {
  const stack = await startLocalStack({ log: logged, ...options });
  const { dynamodb } = stack.clients();
  const keys = dynamoKeyStore(dynamodb, stack.outputs.get('RegistryTable') ?? '');
  const makeKey = (role: Role, experimentIds: readonly string[] = [], rateLimit?: number) =>
    createKey({ role, name: 'test', experimentIds, rateLimit }, { keys, now: Date.now });
  const adminKey = await makeKey('admin');
  const call = async (path: string, init: RequestInit) => toReply(await fetch(new URL(path, stack.url), init));
  return {
    stack,
    adminKey,
    makeKey,
    send: (body, { headers = {}, key = adminKey, path = '/v1/traces' } = {}) =>
      call(path, {
        method: 'POST',
        body: body as Uint8Array<ArrayBuffer> | string,
        headers: { 'content-type': 'application/x-protobuf', ...authorization(key), ...headers },
      }),
    api: (method, path, body) =>
      call(path, {
        method,
        headers: { 'content-type': 'application/json', ...authorization(adminKey) },
        ...(body && { body: JSON.stringify(body) }),
      }),
    async stop() {
      dynamodb.destroy();
      await stack.stop();
    },
  };
}

function logged(line: string): void {
  if (process.env.ASSAY_TEST_LOG) console.error(line);
}

function authorization(key: string | null): Record<string, string> {
  return key === null ? {} : { authorization: `Bearer ${key}` };
}

async function toReply(response: Response): Promise<Reply> {
  const body = Buffer.from(await response.arrayBuffer());
  return { status: response.status, headers: response.headers, body, json: () => JSON.parse(body.toString('utf8')) };
}
