import { unlessAborted } from './clock.ts';

/** Lets so many in at a time; how many may change meanwhile. */
export class Gate {
  #limit: number;
  #inside = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  get inside(): number {
    return this.#inside;
  }

  set limit(limit: number) {
    this.#limit = limit;
    this.#admit();
  }

  async enter(signal: AbortSignal): Promise<void> {
    const admitted = new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#admit();
    await unlessAborted(admitted, signal);
  }

  leave(): void {
    this.#inside--;
    this.#admit();
  }

  #admit(): void {
    while (this.#inside < this.#limit && this.#waiting.length > 0) {
      this.#inside++;
      this.#waiting.shift()?.();
    }
  }
}
