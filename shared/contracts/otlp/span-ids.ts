/** Length of the ids of OpenTelemetry, bytes. */
const traceIdLength = 16;
export const spanIdLength = 8;

/** A span that was left out, and why; its neighbours are kept. */
export interface RefusedSpan {
  /** Among the spans of the request, from 0. */
  readonly position: number;
  readonly reason: string;
}

export interface IdRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Why the ids of a span cannot be accepted; undefined where they can. A parent id of 8 zero bytes means no parent: SDKs send it.
 * Source: opentelemetry/proto/trace/v1/trace.proto, "An ID with all zeroes OR of length other than … is considered invalid".
 */
export function idProblem(
  bytes: Uint8Array,
  ids: { trace: IdRange; span: IdRange; parent: IdRange },
): string | undefined {
  return (
    requiredIdProblem('trace id', bytes, ids.trace, traceIdLength) ??
    requiredIdProblem('span id', bytes, ids.span, spanIdLength) ??
    parentProblem(ids.parent)
  );
}

function requiredIdProblem(what: string, bytes: Uint8Array, range: IdRange, length: number): string | undefined {
  const got = range.end - range.start;
  if (got !== length) return `${what} of ${got} bytes, expected ${length}`;
  return isZero(bytes, range) ? `${what} is all zeros` : undefined;
}

function parentProblem(range: IdRange): string | undefined {
  const got = range.end - range.start;
  return got === 0 || got === spanIdLength
    ? undefined
    : `parent span id of ${got} bytes, expected ${spanIdLength} or none`;
}

export function isZero(bytes: Uint8Array, { start, end }: IdRange): boolean {
  for (let at = start; at < end; at++) if (bytes[at] !== 0) return false;
  return true;
}

/** One line for people: how many spans were refused for which reasons, the commonest first. Empty where none were. */
export function describeRefused(refused: readonly RefusedSpan[]): string {
  const counts = new Map<string, number>();
  for (const { reason } of refused) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const reasons = [...counts].sort((a, b) => b[1] - a[1]);
  // The caller's log needs the kinds of mistakes, not each of 33,000 spans.
  const shown = reasons.slice(0, 5).map(([reason, count]) => `${reason} (${count} ${count === 1 ? 'span' : 'spans'})`);
  return reasons.length > 5 ? `${shown.join('; ')}; and ${reasons.length - 5} other reasons` : shown.join('; ');
}
