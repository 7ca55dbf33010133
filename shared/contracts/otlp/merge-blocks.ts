import { ByteWriter, bytesFieldLength } from './byte-writer.ts';
import * as otlp from './otlp-fields.ts';
import { findSpans, type RawHeader, type RawSpan } from './raw-spans.ts';

/** One version of a span with all that its place in a block says about it. */
interface SpanVersion {
  readonly bytes: Buffer;
  readonly startTime: bigint;
  readonly endTime: bigint;
  readonly spanId: Buffer;
  readonly resource: Header;
  readonly scope: Header;
}

/** The fields of a ResourceSpans without its scopes, or of a ScopeSpans without its spans. */
interface Header {
  readonly bytes: Buffer;
  /** The bytes as text, to find equal ones. */
  readonly key: string;
}

/**
 * The union of the spans of several TracesData blocks of one trace, each span once, its bytes unchanged.
 *
 * A pure function of the set of the spans: neither the order of the blocks nor how spans are spread over them matters, and merging
 * a merged block again gives the same bytes. Of two versions of a span the one that ended later wins, then the longer, then the
 * greater bytes. Spans stand by start time, then span id, under their resource and scope; these stand by their first span.
 * Throws MalformedOtlpError.
 */
export function mergeTracesData(blocks: readonly Uint8Array[]): Uint8Array {
  const versions = new Map<string, SpanVersion>();
  const headers = new Map<string, Header>();
  for (const block of blocks) collectVersions(block, versions, headers);
  const spans = [...versions.values()].sort(bySpanOrder);
  return writeSpans(groupSpans(spans));
}

function collectVersions(block: Uint8Array, versions: Map<string, SpanVersion>, headers: Map<string, Header>): void {
  const { bytes, resources, scopes } = findSpans(block, { maxParts: Number.POSITIVE_INFINITY });
  const resourceHeaders = resources.map((header) => internHeader(bytes, header, headers));
  for (const { resourceIndex, header, spans } of scopes) {
    if (spans.length === 0) continue;
    const scope = internHeader(bytes, header, headers);
    const resource = resourceHeaders[resourceIndex] as Header;
    for (const span of spans) {
      const version = toVersion(bytes, span, { resource, scope });
      const id =
        bytes.toString('latin1', span.traceId.start, span.traceId.end) +
        bytes.toString('latin1', span.spanId.start, span.spanId.end);
      const known = versions.get(id);
      if (!known || compareVersions(version, known) > 0) versions.set(id, version);
    }
  }
}

/** Many blocks say the same resource: each is kept once. */
function internHeader(bytes: Buffer, { ranges }: RawHeader, headers: Map<string, Header>): Header {
  const key = ranges.map(({ start, end }) => bytes.toString('latin1', start, end)).join('');
  const known = headers.get(key);
  if (known) return known;
  const header = { key, bytes: Buffer.from(key, 'latin1') };
  headers.set(key, header);
  return header;
}

function toVersion(bytes: Buffer, span: RawSpan, place: { resource: Header; scope: Header }): SpanVersion {
  return {
    bytes: bytes.subarray(span.start, span.end),
    startTime: span.startTimeAt < 0 ? 0n : bytes.readBigUInt64LE(span.startTimeAt),
    endTime: span.endTimeAt < 0 ? 0n : bytes.readBigUInt64LE(span.endTimeAt),
    spanId: bytes.subarray(span.spanId.start, span.spanId.end),
    ...place,
  };
}

/** A total order, so that the winner does not depend on who met whom first; equal only where nothing differs. */
function compareVersions(a: SpanVersion, b: SpanVersion): number {
  return (
    compareNumbers(a.endTime, b.endTime) ||
    a.bytes.length - b.bytes.length ||
    a.bytes.compare(b.bytes) ||
    compareHeaders(a.resource, b.resource) ||
    compareHeaders(a.scope, b.scope)
  );
}

function compareHeaders(a: Header, b: Header): number {
  return a === b ? 0 : a.bytes.compare(b.bytes);
}

function compareNumbers(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function bySpanOrder(a: SpanVersion, b: SpanVersion): number {
  // The bytes last: two traces in one block may use the same span id.
  return compareNumbers(a.startTime, b.startTime) || a.spanId.compare(b.spanId) || a.bytes.compare(b.bytes);
}

interface ScopeGroup {
  readonly scope: Header;
  readonly spans: SpanVersion[];
  size: number;
}

interface ResourceGroup {
  readonly resource: Header;
  readonly scopes: Map<Header, ScopeGroup>;
}

function groupSpans(spans: readonly SpanVersion[]): readonly ResourceGroup[] {
  const groups = new Map<Header, ResourceGroup>();
  for (const span of spans) {
    const { resource, scope } = span;
    const group = groups.get(resource) ?? { resource, scopes: new Map<Header, ScopeGroup>() };
    groups.set(resource, group);
    const ofScope = group.scopes.get(scope) ?? { scope, spans: [], size: scope.bytes.length };
    group.scopes.set(scope, ofScope);
    ofScope.spans.push(span);
    ofScope.size += bytesFieldLength(span.bytes.length);
  }
  return [...groups.values()];
}

function writeSpans(groups: readonly ResourceGroup[]): Uint8Array {
  const sizes = groups.map(({ resource, scopes }) =>
    [...scopes.values()].reduce((sum, { size }) => sum + bytesFieldLength(size), resource.bytes.length),
  );
  const writer = new ByteWriter(sizes.reduce((sum, size) => sum + bytesFieldLength(size), 0));
  groups.forEach(({ resource, scopes }, index) => {
    writer.openField(otlp.request.resourceSpans, sizes[index] as number);
    writer.copy(resource.bytes, 0, resource.bytes.length);
    for (const { scope, spans, size } of scopes.values()) {
      writer.openField(otlp.resourceSpans.scopeSpans, size);
      writer.copy(scope.bytes, 0, scope.bytes.length);
      for (const { bytes } of spans) {
        writer.openField(otlp.scopeSpans.spans, bytes.length);
        writer.copy(bytes, 0, bytes.length);
      }
    }
  });
  return writer.bytes;
}
