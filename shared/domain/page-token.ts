import { ApiError } from './api-error.ts';

/** A text that says where the next page begins, as clients carry it. */
export function toPageToken(position: string): string {
  return Buffer.from(position).toString('base64url');
}

/**
 * What `read` makes of the text in a token; it throws, or answers undefined, where that is no position.
 * @throws ApiError with MLflow's text
 */
export function fromPageToken<Position>(token: string, read: (position: string) => Position | undefined): Position {
  try {
    const position = read(Buffer.from(token, 'base64url').toString('utf8'));
    if (position !== undefined) return position;
  } catch {
    // Told below.
  }
  throw new ApiError('INVALID_PARAMETER_VALUE', 'Invalid page token, could not base64-decode');
}
