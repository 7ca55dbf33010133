import { BodyTooLargeError } from './body-too-large-error.ts';
import { findSpans, type RawHeader, type RawRequest, type RawScope, type RawSpan } from './raw-spans.ts';
import { maxParts, maxRepeatedBytes } from './request-limits.ts';
import { idProblem, type RefusedSpan } from './span-ids.ts';
import { headerLength, type SpanGroup, writeTrace } from './write-trace.ts';

export interface WalkedRequest {
  /** In the order in which they first appear. */
  readonly traces: readonly WalkedTrace[];
  /** Spans that were accepted, repeated ones too. */
  readonly spanCount: number;
  readonly refused: readonly RefusedSpan[];
}

interface WalkedTrace {
  /** `tr-` and 32 hex digits. */
  readonly traceId: string;
  /**
   * The trace's own TracesData protobuf: the bytes of its spans as they were sent, under their resource and scope, unknown fields
   * kept. The same request gives the same bytes. A span that stands twice in the request stands twice here.
   */
  tracesData(): Uint8Array;
}

/**
 * Splits an ExportTraceServiceRequest protobuf by trace without decoding attributes. Spans whose ids cannot be stored are refused
 * one by one. A body that is not protobuf throws MalformedOtlpError; one of more than 200,000 spans, or whose resources would be
 * repeated beyond 256 MiB, throws BodyTooLargeError.
 */
export function walkTracesRequest(body: Uint8Array): WalkedRequest {
  const request = findSpans(body, { maxParts });
  const split: Split = { request, groups: new Map(), repeatedBytes: 0 };
  const refused: RefusedSpan[] = [];
  let position = 0;
  for (const scope of request.scopes) {
    for (const span of scope.spans) {
      const reason = idProblem(request.bytes, { trace: span.traceId, span: span.spanId, parent: span.parentSpanId });
      if (reason === undefined) addSpan(split, { scope, span });
      else refused.push({ position, reason });
      position++;
    }
  }
  const traces = Array.from(split.groups, ([id, groups]) => ({
    traceId: `tr-${id}`,
    tracesData: () => writeTrace(request, groups),
  }));
  return { traces, spanCount: position - refused.length, refused };
}

interface Split {
  readonly request: RawRequest;
  /** By trace id in hex. */
  readonly groups: Map<string, SpanGroup[]>;
  repeatedBytes: number;
}

function addSpan(split: Split, { scope, span }: { scope: RawScope; span: RawSpan }): void {
  const id = split.request.bytes.toString('hex', span.traceId.start, span.traceId.end);
  const groups = split.groups.get(id);
  const last = groups?.at(-1);
  if (last?.scope === scope) {
    last.spans.push(span);
    return;
  }
  countRepeated(split, scope);
  const group = { scope, spans: [span] };
  if (groups) groups.push(group);
  else split.groups.set(id, [group]);
}

function countRepeated(split: Split, { resourceIndex, header }: RawScope): void {
  split.repeatedBytes += headerLength(split.request.resources[resourceIndex] as RawHeader) + headerLength(header);
  if (split.repeatedBytes <= maxRepeatedBytes) return;
  throw new BodyTooLargeError('body has resources too large for so many traces');
}
