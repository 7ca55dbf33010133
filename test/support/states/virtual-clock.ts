import type { Clock } from '../../../local/states/clock.ts';

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

/** Time that passes at once, as soon as there is nothing else to do than to wait for it. */
export class VirtualClock implements Clock {
  #now: number;
  #sleepers: Sleeper[] = [];

  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const sleeper = { until: this.#now + ms, wake: resolve };
      this.#sleepers.push(sleeper);
      signal.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(signal.reason);
      });
      setImmediate(() => this.#advance(sleeper));
    });
  }

  /** To the first one that is due; a later one asks again. */
  #advance(asking: Sleeper): void {
    const [first] = this.#sleepers.toSorted((a, b) => a.until - b.until);
    if (!first || !this.#sleepers.includes(asking)) return;
    this.#now = Math.max(this.#now, first.until);
    this.#sleepers = this.#sleepers.filter((other) => other !== first);
    first.wake();
    if (first !== asking) setImmediate(() => this.#advance(asking));
  }
}

/** Time that does not pass: what waits, waits for good. */
export const stoppedClock: Clock = {
  now: () => Date.UTC(2026, 0, 1),
  sleep: (_, signal) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
};
