import { pause } from './pause.ts';
import type { CallOptions } from './transport.ts';

export interface WaitOptions<T> extends CallOptions {
  /** Told of everything that is read on the way, the end included. */
  readonly onProgress?: ((seen: T) => void) | undefined;
  /** Between two looks. */
  readonly pollMs?: number | undefined;
}

const defaultPollMs = 2_000;

/** Of a backfill and of a run on demand, which is one. */
export function isUnderWay(state: string): boolean {
  return state === 'planning' || state === 'running';
}

/** Reads until it has ended. */
export async function until<T>(
  read: () => Promise<T>,
  {
    hasEnded,
    onProgress,
    pollMs = defaultPollMs,
    signal,
  }: WaitOptions<T> & { readonly hasEnded: (seen: T) => boolean },
): Promise<T> {
  for (;;) {
    const seen = await read();
    onProgress?.(seen);
    if (hasEnded(seen)) return seen;
    await pause(pollMs, signal);
  }
}
