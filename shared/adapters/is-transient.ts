import { isServerError, isThrottlingError, isTransientError } from '@smithy/core/retry';

/** AWS left part of a batch undone, however often it was asked. */
export class UnprocessedError extends Error {
  override readonly name = 'UnprocessedError';
}

/**
 * Whether AWS, or the way to it, failed for a while: the SDK has given up repeating the call, and whoever asked may ask again.
 * What a table throttles, SQS or S3 slow down, a connection that broke.
 */
export function isTransient(error: unknown): boolean {
  if (error instanceof UnprocessedError) return true;
  if (!(error instanceof Error)) return false;
  const known = error as Parameters<typeof isTransientError>[0];
  return isThrottlingError(known) || isTransientError(known) || isServerError(known);
}
