import { ApiError } from './api-error.ts';

const attempts = 8;

/**
 * Repeats a change of writers that name the revision they read, until it is written: `write` answers undefined where another writer was
 * first.
 * @param what what is changed, with its verb: "the rules of experiment 1 are"
 * @throws ApiError where others are first again and again
 */
export async function untilWritten<T>(what: string, write: () => Promise<T | undefined>): Promise<T> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const written = await write();
    if (written !== undefined) return written;
  }
  throw new ApiError('REQUEST_LIMIT_EXCEEDED', `${what} being changed by too many at once: try again`);
}
