import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';

/** CPU seconds, user and system, of the whole process. */
type CpuSeconds = number;

export interface Invoked {
  readonly cpuSeconds: CpuSeconds;
  readonly wallSeconds: number;
  /** The most that the process has held in memory since it began. */
  readonly peakBytes: number;
  readonly results: readonly unknown[];
}

/** A bundled function in a process of its own, as Lambda would run it. */
export class FunctionProcess {
  readonly #child: ChildProcess;
  /** From the start of the import until the handler was there. */
  readonly initCpu: Promise<CpuSeconds>;

  constructor({
    bundle,
    environment,
    execArgv = [],
  }: { bundle: string; environment: Readonly<Record<string, string>>; execArgv?: readonly string[] }) {
    this.#child = fork(join(import.meta.dirname, 'function-child.ts'), [bundle], {
      env: { PATH: process.env.PATH ?? '', ...environment },
      execArgv: [...execArgv],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.initCpu = this.#next() as Promise<CpuSeconds>;
  }

  /** Handles the events one after the other; what handing them over costs is not counted. */
  async invokeAll(events: readonly unknown[]): Promise<Invoked> {
    for (const event of events) {
      this.#child.send({ event });
      await this.#next();
    }
    this.#child.send({ run: true });
    return (await this.#next()) as Invoked;
  }

  async stop(): Promise<void> {
    if (!this.#child.connected) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.disconnect();
    await ended;
  }

  #next(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null) => reject(new Error(`the function's process ended with ${code}`));
      this.#child.once('exit', onExit);
      this.#child.once('message', (message: { result?: unknown; error?: string }) => {
        this.#child.off('exit', onExit);
        if (message.error !== undefined) reject(new Error(message.error));
        else resolve(message.result);
      });
    });
  }
}
