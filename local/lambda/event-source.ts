import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type { FunctionPool } from './function-pool.ts';

export interface EventSourceSpec {
  readonly queueUrl: string;
  readonly queueArn: string;
  readonly batchSize: number;
  readonly batchingWindowSeconds: number;
  readonly maxConcurrency: number;
}

/** Lambda's limit for the records of one invocation. */
const maxPayloadBytes = 6 * 1024 * 1024;
/** On AWS a failed message comes back when its visibility timeout ends, minutes later; nobody at a terminal waits for that. */
const retryAfterSeconds = 1;

/** Polls a queue for a function, as an event source mapping with ReportBatchItemFailures does. */
export class EventSource {
  readonly #spec: EventSourceSpec;
  readonly #sqs: SQSClient;
  readonly #pool: FunctionPool;
  readonly #log: (line: string) => void;
  readonly #delayed: Set<string>;
  /** For tests: every batch is delivered a second time before its messages are deleted. */
  deliversTwice = false;
  #isStopped = false;
  #inFlight = 0;
  readonly #aborter = new AbortController();
  #loops: Promise<void>[] = [];

  constructor(
    spec: EventSourceSpec,
    {
      sqs,
      pool,
      log,
      delayed = new Set(),
    }: { sqs: SQSClient; pool: FunctionPool; log: (line: string) => void; delayed?: Set<string> },
  ) {
    this.#delayed = delayed;
    this.#spec = spec;
    this.#sqs = sqs;
    this.#pool = pool;
    this.#log = log;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  start(): void {
    this.#loops = Array.from({ length: Math.min(this.#spec.maxConcurrency, this.#pool.spec.maxConcurrency) }, () =>
      this.#poll(),
    );
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#aborter.abort();
    await Promise.allSettled(this.#loops);
  }

  async #poll(): Promise<void> {
    while (!this.#isStopped) {
      try {
        const messages = await this.#gather();
        if (messages.length > 0) await this.#deliver(messages);
      } catch (error) {
        if (this.#isStopped) return;
        this.#log(`event source ${this.#spec.queueArn}: ${error instanceof Error ? error.message : String(error)}`);
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
  }

  /** A batch: full, or what came within the window, or as much as one payload holds. */
  async #gather(): Promise<readonly Message[]> {
    const { batchSize, batchingWindowSeconds } = this.#spec;
    const messages = await this.#receive(Math.min(10, batchSize), 1);
    if (messages.length === 0) return [];
    this.#inFlight++;
    try {
      const until = Date.now() + batchingWindowSeconds * 1000;
      while (
        messages.length < batchSize &&
        bytesOf(messages) < maxPayloadBytes / 2 &&
        Date.now() < until &&
        !this.#isStopped
      ) {
        const more = await this.#receive(Math.min(10, batchSize - messages.length), 0);
        messages.push(...more);
        if (more.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return messages;
    } finally {
      this.#inFlight--;
    }
  }

  async #receive(max: number, waitSeconds: number): Promise<Message[]> {
    const { Messages = [] } = await this.#sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: this.#spec.queueUrl,
        MaxNumberOfMessages: max,
        WaitTimeSeconds: waitSeconds,
        MessageSystemAttributeNames: ['All'],
      }),
      { abortSignal: this.#aborter.signal },
    );
    return Messages;
  }

  async #deliver(messages: readonly Message[]): Promise<void> {
    this.#inFlight++;
    try {
      for (const batch of payloads(messages)) {
        const failed = await this.#invoke(batch);
        const again = this.deliversTwice ? await this.#invoke(batch) : new Set<string>();
        await this.#settle(batch, new Set([...failed, ...again]));
      }
    } finally {
      this.#inFlight--;
    }
  }

  /** Ids of the messages that failed: all where the invocation did. */
  async #invoke(batch: readonly Message[]): Promise<ReadonlySet<string>> {
    const event: SQSEvent = { Records: batch.map((message) => this.#record(message)) };
    try {
      const response = (await this.#pool.invoke(event)) as SQSBatchResponse | undefined;
      const failed = new Set(response?.batchItemFailures?.map(({ itemIdentifier }) => itemIdentifier));
      const ids = new Set(batch.map(({ MessageId }) => MessageId ?? ''));
      // An id that no message has counts as a failure of the whole batch: Lambda developer guide, "Reporting batch item failures".
      if ([...failed].every((id) => ids.has(id))) return failed;
      this.#log(`${this.#pool.spec.name} reports failures of messages that it was not given: ${[...failed].join()}`);
      return ids;
    } catch (error) {
      this.#log(`${this.#pool.spec.name} failed: ${error instanceof Error ? error.message : String(error)}`);
      return new Set(batch.map(({ MessageId }) => MessageId ?? ''));
    }
  }

  async #settle(batch: readonly Message[], failed: ReadonlySet<string>): Promise<void> {
    const entries = (messages: readonly Message[]) =>
      messages.map(({ ReceiptHandle }, i) => ({ Id: String(i), ReceiptHandle: ReceiptHandle ?? '' }));
    const isFailed = ({ MessageId }: Message) => failed.has(MessageId ?? '');
    const { queueUrl: QueueUrl } = this.#spec;
    for (const done of tens(batch.filter((message) => !isFailed(message)))) {
      await this.#sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries: entries(done) }));
    }
    // What the function has put off itself comes when it said.
    const isPutOff = ({ ReceiptHandle = '' }: Message) => this.#delayed.delete(ReceiptHandle);
    for (const retried of tens(batch.filter((message) => isFailed(message) && !isPutOff(message)))) {
      const Entries = entries(retried).map((entry) => ({ ...entry, VisibilityTimeout: retryAfterSeconds }));
      await this.#sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }));
    }
  }

  #record(message: Message): SQSRecord {
    return {
      messageId: message.MessageId ?? '',
      receiptHandle: message.ReceiptHandle ?? '',
      body: message.Body ?? '',
      attributes: (message.Attributes ?? {}) as unknown as SQSRecord['attributes'],
      messageAttributes: {},
      md5OfBody: message.MD5OfBody ?? '',
      eventSource: 'aws:sqs',
      eventSourceARN: this.#spec.queueArn,
      awsRegion: 'us-east-1',
    };
  }
}

function bytesOf(messages: readonly Message[]): number {
  return messages.reduce((sum, { Body = '' }) => sum + Body.length, 0);
}

function payloads(messages: readonly Message[]): readonly (readonly Message[])[] {
  const batches: Message[][] = [];
  for (const message of messages) {
    const batch = batches.at(-1);
    if (batch && bytesOf(batch) + (message.Body ?? '').length <= maxPayloadBytes) batch.push(message);
    else batches.push([message]);
  }
  return batches;
}

function tens<T>(items: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / 10) }, (_, i) => items.slice(i * 10, i * 10 + 10));
}
