import { ByteWriter, bytesFieldLength } from './byte-writer.ts';
import * as otlp from './otlp-fields.ts';
import { findSpans, type RawHeader, type RawRequest, type RawScope, type RawSpan } from './raw-spans.ts';
import { idProblem, type RefusedSpan } from './span-ids.ts';

export interface WalkedRequest {
  /** In the order in which they first appear. */
  readonly traces: readonly WalkedTrace[];
  /** Spans that were accepted, repeated ones too. */
  readonly spanCount: number;
  readonly refused: readonly RefusedSpan[];
}

export interface WalkedTrace {
  /** `tr-` and 32 hex digits. */
  readonly traceId: string;
  /**
   * The trace's own TracesData protobuf: the bytes of its spans as they were sent, under their resource and scope, unknown fields
   * kept. The same request gives the same bytes. A span that stands twice in the request stands twice here.
   */
  tracesData(): Uint8Array;
}

/** The spans of one trace under one scope. */
interface SpanGroup {
  readonly scope: RawScope;
  readonly spans: RawSpan[];
}

/** Each part costs memory, whatever its size: 64 MiB could hold 32 million empty spans. Exporters send some hundreds. */
const maxParts = 200_000;

/**
 * Splits an ExportTraceServiceRequest protobuf by trace without decoding attributes. Spans whose ids cannot be stored are refused
 * one by one; a body that is not protobuf throws MalformedOtlpError, one of more than
 * 200,000 spans BodyTooLargeError.
 */
export function walkTracesRequest(body: Uint8Array): WalkedRequest {
  const request = findSpans(body, { maxParts });
  const groupsByTrace = new Map<string, SpanGroup[]>();
  const refused: RefusedSpan[] = [];
  let position = 0;
  for (const scope of request.scopes) {
    for (const span of scope.spans) {
      const reason = idProblem(request.bytes, { trace: span.traceId, span: span.spanId, parent: span.parentSpanId });
      if (reason === undefined) addSpan(groupsByTrace, request, scope, span);
      else refused.push({ position, reason });
      position++;
    }
  }
  const traces = Array.from(groupsByTrace, ([id, groups]) => ({
    traceId: `tr-${id}`,
    tracesData: () => writeTrace(request, groups),
  }));
  return { traces, spanCount: position - refused.length, refused };
}

function addSpan(groups: Map<string, SpanGroup[]>, request: RawRequest, scope: RawScope, span: RawSpan): void {
  const id = request.bytes.toString('hex', span.traceId.start, span.traceId.end);
  const ofTrace = groups.get(id);
  if (!ofTrace) groups.set(id, [{ scope, spans: [span] }]);
  else if (ofTrace[ofTrace.length - 1]?.scope === scope) ofTrace[ofTrace.length - 1]?.spans.push(span);
  else ofTrace.push({ scope, spans: [span] });
}

/** Groups under one resource, with the sizes that protobuf wants before the content. */
interface SizedResource {
  readonly header: RawHeader;
  readonly scopes: { group: SpanGroup; size: number }[];
  size: number;
}

function writeTrace(request: RawRequest, groups: readonly SpanGroup[]): Uint8Array {
  const resources = sizeResources(request, groups);
  const writer = new ByteWriter(resources.reduce((sum, { size }) => sum + bytesFieldLength(size), 0));
  for (const { header, scopes, size } of resources) {
    writer.openField(otlp.request.resourceSpans, size);
    copyHeader(writer, request, header);
    for (const { group, size: scopeSize } of scopes) {
      writer.openField(otlp.resourceSpans.scopeSpans, scopeSize);
      copyHeader(writer, request, group.scope.header);
      for (const { start, end } of group.spans) {
        writer.openField(otlp.scopeSpans.spans, end - start);
        writer.copy(request.bytes, start, end);
      }
    }
  }
  return writer.bytes;
}

function sizeResources(request: RawRequest, groups: readonly SpanGroup[]): SizedResource[] {
  const resources = new Map<number, SizedResource>();
  for (const group of groups) {
    const { resourceIndex } = group.scope;
    const header = request.resources[resourceIndex] as RawHeader;
    const resource = resources.get(resourceIndex) ?? { header, scopes: [], size: headerLength(header) };
    const size = group.spans.reduce(
      (sum, { start, end }) => sum + bytesFieldLength(end - start),
      headerLength(group.scope.header),
    );
    resource.scopes.push({ group, size });
    resource.size += bytesFieldLength(size);
    resources.set(resourceIndex, resource);
  }
  return [...resources.values()];
}

function headerLength({ ranges }: RawHeader): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0);
}

function copyHeader(writer: ByteWriter, request: RawRequest, { ranges }: RawHeader): void {
  for (const { start, end } of ranges) writer.copy(request.bytes, start, end);
}
