import { ByteWriter, bytesFieldLength } from './byte-writer.ts';
import * as otlp from './otlp-fields.ts';
import type { RawHeader, RawRequest, RawScope, RawSpan } from './raw-spans.ts';

/** The spans of one trace under one scope. */
export interface SpanGroup {
  readonly scope: RawScope;
  readonly spans: RawSpan[];
}

/** Groups under one resource, with the sizes that protobuf wants before the content. */
interface SizedResource {
  readonly header: RawHeader;
  readonly scopes: { group: SpanGroup; size: number }[];
  size: number;
}

/** The spans of one trace, raw, as a TracesData protobuf: groups of one resource come together. */
export function writeTrace(request: RawRequest, groups: readonly SpanGroup[]): Uint8Array {
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

/** Bytes that each trace with spans under this header repeats. */
export function headerLength({ ranges }: RawHeader): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0);
}

function copyHeader(writer: ByteWriter, request: RawRequest, { ranges }: RawHeader): void {
  for (const { start, end } of ranges) writer.copy(request.bytes, start, end);
}
