import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** What a model was asked since it began. */
export interface ModelSeen {
  readonly requests: number;
  readonly refused: readonly unknown[];
  readonly most_in_flight: number;
}

const program = join(import.meta.dirname, '../support/model-server/main.ts');

/** The scripted model in a process of its own: what it takes is not counted. */
export class ModelProcess {
  readonly #child: ChildProcess;
  readonly #url: Promise<string>;

  constructor({ delayMs }: { delayMs: number }) {
    this.#child = spawn(process.execPath, [program, '--delay', String(delayMs)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream });
    this.#url = once(lines, 'line').then(([line]) => String(line));
  }

  /** The environment of a function whose models of Bedrock are this one. */
  async environment(): Promise<Record<string, string>> {
    return { AWS_ENDPOINT_URL_BEDROCK_RUNTIME: await this.#url };
  }

  async seen(): Promise<ModelSeen> {
    return (await (await fetch(`${await this.#url}/_seen`)).json()) as ModelSeen;
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    if (this.#child.kill()) await ended;
  }
}
