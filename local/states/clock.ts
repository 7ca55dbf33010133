import { setTimeout as wait } from 'node:timers/promises';

/** Where waiting and the time come from, so that a test need not wait. */
export interface Clock {
  now(): number;
  /** Rejects with the signal's reason once it is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Node's timers hold no more; a machine may well wait for a month. */
const longestTimerMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: Date.now,
  async sleep(ms, signal) {
    const until = Date.now() + ms;
    try {
      do await wait(Math.min(longestTimerMs, Math.max(0, until - Date.now())), undefined, { signal });
      while (Date.now() < until);
    } catch {
      throw signal.reason;
    }
  },
};

/** The promise's outcome, or the signal's reason if it is aborted before. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let listener: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    listener = () => reject(signal.reason);
    signal.addEventListener('abort', listener, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (listener) signal.removeEventListener('abort', listener);
  }
}

export interface TimeLimit {
  readonly clock: Clock;
  readonly seconds: number | undefined;
  readonly signal: AbortSignal;
  readonly timedOut: () => Error;
}

/** Does the work, which is told by its signal when its time is over. */
export async function withinTime<T>(work: (signal: AbortSignal) => Promise<T>, limit: TimeLimit): Promise<T> {
  const { clock, seconds, signal, timedOut } = limit;
  if (seconds === undefined) return work(signal);
  const over = new AbortController();
  const done = new AbortController();
  const timer = clock
    .sleep(seconds * 1000, AbortSignal.any([signal, done.signal]))
    .then(() => over.abort(timedOut()))
    .catch(() => undefined);
  try {
    return await work(AbortSignal.any([signal, over.signal]));
  } finally {
    done.abort();
    await timer;
  }
}
