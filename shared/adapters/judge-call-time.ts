import { JudgeOutOfTimeError, JudgeTimeoutError } from '../domain/judging/judge-model.ts';
import type { Clock } from '../domain/ports.ts';

/** How long one call may take. */
export interface CallTime {
  /** Aborts when the time is over. */
  readonly signal: AbortSignal;
  /** What is then thrown. */
  readonly over: () => Error;
}

/** The time that a model has for a call, or what is left to whoever asks, where that is less. */
export function callTime(
  until: number | undefined,
  { uri, timeoutMs, now }: { uri: string; timeoutMs: number; now: Clock },
): CallTime {
  const beganAt = now();
  const leftMs = until === undefined ? timeoutMs : Math.max(0, Math.floor(until - beganAt));
  const ms = Math.min(timeoutMs, leftMs);
  const message = `${uri} did not answer within ${ms / 1_000} s`;
  const over = () =>
    leftMs < timeoutMs ? new JudgeOutOfTimeError(message, { beganAt }) : new JudgeTimeoutError(message);
  return { signal: AbortSignal.timeout(ms), over };
}
