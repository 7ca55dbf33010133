import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

export interface FunctionSpec {
  readonly name: string;
  /** Folder of the bundled asset. */
  readonly folder: string;
  readonly handler: string;
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
  readonly environment: Readonly<Record<string, string>>;
  /** Processes at most: the template's concurrency, or what two cores bear. */
  readonly maxConcurrency: number;
}

/** The invocation failed: it threw, took too long, or its process died. */
export class InvocationError extends Error {
  override readonly name = 'InvocationError';
  readonly reason: 'error' | 'timeout' | 'crash';

  constructor(reason: 'error' | 'timeout' | 'crash', message: string) {
    super(message);
    this.reason = reason;
  }
}

interface Invocation {
  readonly id: string;
  readonly event: unknown;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: InvocationError) => void;
  timer?: NodeJS.Timeout;
}

interface Message {
  readonly kind: 'ready' | 'result' | 'error';
  readonly result?: unknown;
  readonly error?: { readonly type: string; readonly message: string; readonly stack?: string };
}

/** The processes of one function: each takes one invocation at a time, a new one starts when all are busy. */
export class FunctionPool {
  readonly spec: FunctionSpec;
  readonly #log: (line: string) => void;
  readonly #workers = new Map<ChildProcess, Invocation | undefined>();
  readonly #waiting: Invocation[] = [];
  #isStopped = false;

  constructor(spec: FunctionSpec, log: (line: string) => void) {
    this.spec = spec;
    this.#log = log;
  }

  get pids(): readonly number[] {
    return [...this.#workers.keys()].flatMap(({ pid }) => pid ?? []);
  }

  /** Invocations that run or wait. */
  get busy(): number {
    return this.#waiting.length + [...this.#workers.values()].filter((invocation) => invocation !== undefined).length;
  }

  invoke(event: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ id: randomUUID(), event, resolve, reject });
      this.#assign();
    });
  }

  /** Kills the processes that run, as a crash of their machine would; the next invocation starts a new one. */
  kill(): void {
    for (const worker of this.#workers.keys()) worker.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    const ended = [...this.#workers.keys()].map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
    for (const worker of this.#workers.keys()) worker.kill('SIGTERM');
    await Promise.all(ended);
  }

  #assign(): void {
    for (const [worker, current] of this.#workers) {
      const isFree = current === undefined && worker.connected && !worker.killed && isReady(worker);
      const invocation = isFree ? this.#waiting.shift() : undefined;
      if (invocation) this.#run(worker, invocation);
    }
    const starting = [...this.#workers.keys()].filter((worker) => !isReady(worker)).length;
    if (this.#waiting.length > starting && this.#workers.size < this.spec.maxConcurrency && !this.#isStopped)
      this.#start();
  }

  #run(worker: ChildProcess, invocation: Invocation): void {
    this.#workers.set(worker, invocation);
    const timeoutMs = this.spec.timeoutSeconds * 1000;
    invocation.timer = setTimeout(() => {
      this.#finish(worker, new InvocationError('timeout', `task timed out after ${this.spec.timeoutSeconds} seconds`));
      worker.kill('SIGKILL');
    }, timeoutMs);
    // A process that dies while it is being told cannot be told: its exit ends the invocation.
    worker.send({ id: invocation.id, event: invocation.event, deadline: Date.now() + timeoutMs }, () => undefined);
  }

  #start(): void {
    const { name, folder, handler, memoryMb, environment } = this.spec;
    const worker = fork(join(import.meta.dirname, 'bootstrap.ts'), [folder, handler], {
      env: environment,
      execArgv: [`--max-old-space-size=${Math.round(memoryMb * 0.9)}`, '--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#workers.set(worker, undefined);
    for (const stream of [worker.stdout, worker.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => this.#log(`${name}: ${text.trimEnd()}`));
    }
    worker.on('message', (message: Message) => this.#receive(worker, message));
    worker.on('error', (error) => this.#log(`${name}: ${error.message}`));
    worker.once('exit', (code, signal) => this.#ended(worker, signal ?? code));
  }

  #receive(worker: ChildProcess, message: Message): void {
    if (message.kind === 'ready') ready.add(worker);
    else if (message.kind === 'result') this.#finish(worker, undefined, message.result);
    else
      this.#finish(
        worker,
        new InvocationError('error', `${message.error?.type}: ${message.error?.message}\n${message.error?.stack}`),
      );
    this.#assign();
  }

  #finish(worker: ChildProcess, error: InvocationError | undefined, result?: unknown): void {
    const invocation = this.#workers.get(worker);
    this.#workers.set(worker, undefined);
    if (!invocation) return;
    clearTimeout(invocation.timer);
    if (error) invocation.reject(error);
    else invocation.resolve(result);
  }

  #ended(worker: ChildProcess, cause: string | number | null): void {
    const wasReady = isReady(worker);
    this.#finish(worker, new InvocationError('crash', `the process ended with ${cause}`));
    this.#workers.delete(worker);
    // It never came up: the invocation that waits for it would wait forever.
    if (!wasReady && !this.#isStopped)
      this.#waiting.shift()?.reject(new InvocationError('crash', `initialisation ended with ${cause}`));
    this.#assign();
  }
}

const ready = new WeakSet<ChildProcess>();

function isReady(worker: ChildProcess): boolean {
  return ready.has(worker);
}
