import { createServer, type IncomingMessage, type Server } from 'node:http';
import { FakeDynamoDB } from './fake-dynamodb.ts';
import type { TableKeys } from './write-units.ts';

/** What the functions called, by `service.operation`. */
export interface CallCounts {
  readonly [call: string]: { calls: number; bytes: number; units: number };
}

/** SQS bills every 64 KB of a call as a request; Firehose every record as a multiple of 5 KB. */
const sqsChunkBytes = 64 * 1024;
const firehoseStepBytes = 5 * 1024;

/** Answers the AWS calls of the functions at once, from maps, and counts them. Runs in a process of its own. */
export class FakeAws {
  dynamodb = new FakeDynamoDB(new Map());
  readonly objects = new Map<string, Buffer>();
  /** Bodies of messages by queue name, until they are taken. */
  readonly messages = new Map<string, string[]>();
  counts: Record<string, { calls: number; bytes: number; units: number }> = {};
  readonly #server: Server;

  constructor() {
    this.#server = createServer(async (request, response) => {
      try {
        const answer = this.#answer(request, await bodyOf(request));
        response.writeHead(answer.status, {
          'content-type': answer.type,
          'x-amzn-requestid': 'bench',
          ...answer.headers,
        });
        response.end(answer.body);
      } catch (error) {
        response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' });
        response.end(JSON.stringify({ __type: 'FakeAwsError', message: String(error) }));
      }
    });
    this.#server.keepAliveTimeout = 60_000;
  }

  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.listen(0, '127.0.0.1', () => resolve((this.#server.address() as { port: number }).port));
    });
  }

  /** The tables are named after the address of this server: they are known after it listens. */
  knowTables(tables: ReadonlyMap<string, TableKeys>): void {
    this.dynamodb = new FakeDynamoDB(tables);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Takes all messages of the queue whose name holds the word. */
  takeFrom(word: string): readonly string[] {
    const queue = [...this.messages.keys()].find((name) => name.includes(word) && !name.includes('DeadLetters'));
    const taken = queue === undefined ? [] : (this.messages.get(queue) ?? []);
    if (queue !== undefined) this.messages.delete(queue);
    return taken;
  }

  /** As if no trace had ever come, nor been judged; rules and scorers stay. */
  forgetTraces(): void {
    this.objects.clear();
    this.messages.clear();
    this.dynamodb.forget((pk) => pk.startsWith('tr-') || pk.startsWith('answer#'));
  }

  storedBytes(): number {
    const objects = [...this.objects.values()].reduce((sum, object) => sum + object.length, 0);
    return objects + this.dynamodb.bytes((pk) => pk.startsWith('tr-'));
  }

  #answer(request: IncomingMessage, body: Buffer): Answer {
    const target = request.headers['x-amz-target'];
    if (typeof target !== 'string') return this.#s3(request, body);
    const [service = '', operation = ''] = target.split('.');
    const input = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
    if (service.startsWith('DynamoDB')) return this.#dynamo(operation, input, body.length);
    if (service.startsWith('AmazonSQS')) return this.#sqs(operation, input);
    return this.#firehose(operation, input);
  }

  #dynamo(operation: string, input: Record<string, unknown>, bytes: number): Answer {
    const { writeUnits, readUnits } = this.dynamodb.consumed;
    const result = this.dynamodb.call(operation, input);
    const { consumed } = this.dynamodb;
    this.#count(`dynamodb.${operation}`, {
      bytes,
      units: consumed.writeUnits - writeUnits + consumed.readUnits - readUnits,
    });
    return json(result);
  }

  #sqs(operation: string, input: Record<string, unknown>): Answer {
    const queue = String(input.QueueUrl).split('/').at(-1) as string;
    const entries = (input.Entries ?? [{ Id: '0', ...input }]) as { Id: string; MessageBody: string }[];
    const bytes = entries.reduce((sum, { MessageBody }) => sum + Buffer.byteLength(MessageBody), 0);
    this.#count(`sqs.${operation}`, { bytes, units: Math.max(1, Math.ceil(bytes / sqsChunkBytes)) });
    this.messages.set(queue, [...(this.messages.get(queue) ?? []), ...entries.map(({ MessageBody }) => MessageBody)]);
    const sent = entries.map(({ Id }) => ({ Id, MessageId: 'm', MD5OfMessageBody: '' }));
    return json(
      operation === 'SendMessage' ? { MessageId: 'm', MD5OfMessageBody: '' } : { Successful: sent, Failed: [] },
    );
  }

  #firehose(operation: string, input: Record<string, unknown>): Answer {
    const records = input.Records as { Data: string }[];
    const sizes = records.map(({ Data }) => Math.floor((Data.length * 3) / 4));
    const billed = sizes.reduce((sum, size) => sum + Math.ceil(size / firehoseStepBytes) * firehoseStepBytes, 0);
    this.#count(`firehose.${operation}`, { bytes: sizes.reduce((sum, size) => sum + size, 0), units: billed });
    return json({ FailedPutCount: 0, RequestResponses: records.map(() => ({ RecordId: 'r' })) });
  }

  #s3({ method, url = '', headers }: IncomingMessage, body: Buffer): Answer {
    const key = decodeURIComponent(url.split('?')[0] as string);
    this.#count(`s3.${method === 'PUT' ? 'PutObject' : 'GetObject'}`, { bytes: body.length, units: 1 });
    if (method === 'PUT') {
      this.objects.set(key, body);
      return { status: 200, type: 'application/xml', headers: { etag: '"e"' }, body: '' };
    }
    const object = this.objects.get(key);
    if (!object) return { status: 404, type: 'application/xml', body: '<Error><Code>NoSuchKey</Code></Error>' };
    const [, from, to] = /bytes=(\d+)-(\d+)/.exec(headers.range ?? '') ?? [];
    const part = from === undefined ? object : object.subarray(Number(from), Number(to) + 1);
    return { status: from === undefined ? 200 : 206, type: 'application/octet-stream', body: part };
  }

  #count(call: string, { bytes, units }: { bytes: number; units: number }): void {
    const known = this.counts[call] ?? { calls: 0, bytes: 0, units: 0 };
    this.counts[call] = { calls: known.calls + 1, bytes: known.bytes + bytes, units: known.units + units };
  }
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly headers?: Record<string, string>;
  readonly body: string | Buffer;
}

function json(value: unknown): Answer {
  return { status: 200, type: 'application/x-amz-json-1.0', body: JSON.stringify(value) };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  return request.headers['content-encoding'] === 'aws-chunked' ? unchunked(body) : body;
}

/** The SDK streams uploads in chunks with a trailer for their checksum: `<hex size>[;…]\r\n<bytes>\r\n … 0\r\n`. */
function unchunked(body: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const end = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.toString('latin1', at, end), 16);
    if (!size) break;
    parts.push(body.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
  return Buffer.concat(parts);
}
