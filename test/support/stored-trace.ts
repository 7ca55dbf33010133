import type { LocalStack } from '../../local/stack.ts';
import { dynamoTraceReader } from '../../shared/adapters/dynamo-trace-reader.ts';
import { otlpTraceCodec } from '../../shared/adapters/otlp-trace-codec.ts';
import { s3SegmentStore } from '../../shared/adapters/s3-segment-store.ts';
import type { TraceRecord } from '../../shared/domain/ports.ts';
import type { Span } from '../../shared/domain/span.ts';

/** Reads traces from the tables and the trace store themselves, past the API. */
export function traceStore(stack: LocalStack): {
  read(traceId: string): Promise<{ record: TraceRecord; spans: readonly Span[] }>;
} {
  const { dynamodb, s3 } = stack.clients();
  const reader = dynamoTraceReader(dynamodb, stack.outputs.get('TracesTable') ?? '');
  const segments = s3SegmentStore(s3, stack.outputs.get('TraceStoreBucket') ?? '');
  return {
    async read(traceId) {
      const record = await reader.readTrace(traceId);
      if (!record) throw new Error(`no trace ${traceId}`);
      const refs = [...record.info.blocks, ...record.unmerged.map(({ block }) => block)];
      const blocks = await Promise.all(
        refs.map(async (ref) => otlpTraceCodec.decompress(await segments.readBlock(ref))),
      );
      // As stored, not merged once more: a span that is stored twice must show.
      return { record, spans: blocks.flatMap((block) => otlpTraceCodec.decode(block).map(({ span }) => span)) };
    },
  };
}
