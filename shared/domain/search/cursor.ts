import { fromPageToken, toPageToken } from '../page-token.ts';

/** Where the next page begins: behind a trace in the order of time, or behind so many in another order. */
export type Cursor = { readonly before: string } | { readonly offset: number };

export function toCursor(cursor: Cursor): string {
  return toPageToken(JSON.stringify(cursor));
}

/** @throws ApiError with MLflow's text */
export function fromCursor(text: string): Cursor {
  return fromPageToken(text, (json): Cursor | undefined => {
    const { before, offset } = JSON.parse(json) as Record<string, unknown>;
    if (typeof before === 'string' && /^\d{13}#/.test(before)) return { before };
    if (Number.isSafeInteger(offset) && (offset as number) >= 0) return { offset: offset as number };
    return undefined;
  });
}
