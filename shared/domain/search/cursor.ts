import { ApiError } from '../api-error.ts';

/** Where the next page begins: behind a trace in the order of time, or behind so many in another order. */
export type Cursor = { readonly before: string } | { readonly offset: number };

export function toCursor(cursor: Cursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString('base64url');
}

/** @throws ApiError with MLflow's text */
export function fromCursor(text: string): Cursor {
  try {
    const { before, offset } = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Record<string, unknown>;
    if (typeof before === 'string' && /^\d{13}#/.test(before)) return { before };
    if (Number.isSafeInteger(offset) && (offset as number) >= 0) return { offset: offset as number };
  } catch {
    // Told below.
  }
  throw new ApiError('INVALID_PARAMETER_VALUE', 'Invalid page token, could not base64-decode');
}
