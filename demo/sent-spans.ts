import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';

/** A span that Assay acknowledged. */
interface SentSpan {
  readonly span: ReadableSpan;
  /** When the request that carried it was answered, epoch ms. */
  readonly acknowledgedAt: number;
}

/** What the application sent, counted where it leaves it. */
export interface SentSpans {
  /** By trace id (`tr-` and 32 hex digits), in the order of sending. */
  readonly byTrace: ReadonlyMap<string, readonly SentSpan[]>;
  readonly count: number;
  readonly requests: number;
  /** Errors of requests that were refused or failed for good; their spans are not among the sent ones. */
  readonly failures: readonly Error[];
}

/** The exporter, and beside it the record of what it brought over. */
export function recordSent(
  exporter: SpanExporter,
  now: () => number = Date.now,
): { exporter: SpanExporter; sent: SentSpans } {
  const byTrace = new Map<string, SentSpan[]>();
  const failures: Error[] = [];
  let requests = 0;
  const add = (span: ReadableSpan) => {
    const traceId = `tr-${span.spanContext().traceId}`;
    const spans = byTrace.get(traceId) ?? [];
    spans.push({ span, acknowledgedAt: now() });
    byTrace.set(traceId, spans);
  };
  return {
    exporter: {
      export: (spans, done) =>
        exporter.export(spans, (result) => {
          requests += 1;
          if (result.code === 0) for (const span of spans) add(span);
          else failures.push(result.error ?? new Error(`${spans.length} spans could not be sent`));
          done(result);
        }),
      forceFlush: async () => exporter.forceFlush?.(),
      shutdown: () => exporter.shutdown(),
    },
    sent: {
      byTrace,
      failures,
      get count() {
        return [...byTrace.values()].reduce((sum, spans) => sum + spans.length, 0);
      },
      get requests() {
        return requests;
      },
    },
  };
}
