import { PbfReader } from 'pbf';
import { createHandler } from '../../../../functions/receive-traces/create-handler.ts';
import type { SpansMessage } from '../../../../shared/contracts/arrival-message.ts';
import type { GatewayEvent } from '../../../../shared/contracts/gateway-call.ts';

export const receivedAt = Date.UTC(2026, 5, 1, 23, 59, 59);

/** The handler over fakes that remember what it did, and fail when told to. */
export function aReceiver({
  experiments = ['7'],
  deleted = [],
  tables = {},
  failing,
}: {
  experiments?: readonly string[];
  deleted?: readonly string[];
  /** Their experiments. */
  tables?: Readonly<Record<string, string>>;
  failing?: 'queue' | 'inbox' | 'experiments' | 'tables' | 'counts';
} = {}) {
  const sent: SpansMessage[] = [];
  const stored = new Map<string, Uint8Array>();
  const counted: Record<string, number> = {};
  const logged: string[] = [];
  const fail = (part: string) => {
    if (failing === part) throw new Error(`${part} is throttled`);
  };
  let handled = 0;
  const handler = createHandler({
    queue: {
      async send(message) {
        fail('queue');
        sent.push(message);
      },
    },
    inbox: {
      async put(key, body) {
        fail('inbox');
        stored.set(key, body);
      },
    },
    async stageOf(id) {
      fail('experiments');
      if (deleted.includes(id)) return 'deleted';
      return id === '0' || experiments.includes(id) ? 'active' : undefined;
    },
    tables: {
      async experimentOf(table) {
        fail('tables');
        return tables[table];
      },
      list: async () => Object.entries(tables).map(([table, experimentId]) => ({ table, experimentId })),
    },
    async isWithinLimit({ keyHash }) {
      fail('counts');
      return keyHash !== 'spent';
    },
    now: () => receivedAt,
    logger: { error: (message) => logged.push(message) },
    counter: {
      count(name, value) {
        counted[name] = (counted[name] ?? 0) + value;
      },
    },
  });
  const handle = (request: RequestOptions) => {
    handled++;
    return handler(anEvent(request));
  };
  return {
    handle,
    post: async (request: RequestOptions) => readReply(await handle(request)),
    sent,
    stored,
    counted,
    logged,
    get handled() {
      return handled;
    },
  };
}

export interface RequestOptions {
  readonly body?: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly path?: string;
  readonly method?: string;
  /** What the authorizer found; null: there was none. */
  readonly caller?: Readonly<Record<string, string>> | null;
  /** An IAM authorizer was asked instead. */
  readonly iam?: boolean;
}

/** A request as API Gateway hands it over: text as it is, other bodies in base64. */
function anEvent({
  body,
  headers = {},
  path = '/v1/traces',
  method = 'POST',
  caller,
  iam = false,
}: RequestOptions): GatewayEvent {
  const lambda = caller === undefined ? { decision: 'allowed', role: 'ingest', experimentIds: '' } : caller;
  return {
    rawPath: path,
    headers: { 'content-type': 'application/x-protobuf', ...headers },
    requestContext: {
      http: { method },
      ...(iam ? { authorizer: { iam: { userArn: 'arn:aws:iam::1:user/u' } } } : lambda && { authorizer: { lambda } }),
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : Buffer.from(body).toString('base64') }),
    isBase64Encoded: body !== undefined && typeof body !== 'string',
  } as unknown as GatewayEvent;
}

/** The reply; an error's or partial success's message in whichever format. */
function readReply({
  statusCode,
  headers,
  body,
  isBase64Encoded,
}: Awaited<ReturnType<ReturnType<typeof createHandler>>>) {
  const bytes = Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8');
  const isJson = headers?.['content-type'] === 'application/json';
  const parsed = isJson ? JSON.parse(bytes.toString()) : readProtobuf(bytes, statusCode === 200);
  return { status: statusCode, headers, ...parsed } as {
    status: number;
    headers: Record<string, string>;
    code?: number;
    message?: string;
    partialSuccess?: { rejectedSpans: string; errorMessage: string };
  };
}

function readProtobuf(bytes: Uint8Array, isSuccess: boolean): object {
  if (!isSuccess) {
    const [code, message] = readPair(bytes);
    return { code, message };
  }
  if (bytes.length === 0) return {};
  const reader = new PbfReader(bytes);
  reader.nextField();
  const [rejected, errorMessage] = readPair(reader.readBytes());
  return { partialSuccess: { rejectedSpans: String(rejected), errorMessage } };
}

function readPair(bytes: Uint8Array): [number, string] {
  return new PbfReader(bytes).readFields(
    (field, pair: [number, string], reader) => {
      if (field === 1) pair[0] = reader.readVarint();
      else if (field === 2) pair[1] = reader.readString();
    },
    [0, ''],
  );
}
