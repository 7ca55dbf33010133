import { AsyncLocalStorage } from 'node:async_hooks';
import type { Tracer } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { hexAt } from '../chance.ts';

/** The OpenTelemetry SDK as an application sets it up; only its ids follow from a seed, so that two runs sample the same traces. */
export interface Telemetry {
  readonly tracer: Tracer;
  /** Runs one turn, whose trace and span ids follow from its place. */
  inPlace<T>(place: string, run: () => Promise<T>): Promise<T>;
  /** Spans ended so far. */
  readonly ended: number;
  /** Sends what is left and ends. */
  shutdown(): Promise<void>;
}

/** Waiting spans of a burst: the processor's own limit of 2,048 drops what comes beyond, silently. */
const maxQueueSize = 16_384;

export function startTelemetry(exporter: SpanExporter, { seed }: { seed: string }): Telemetry {
  const places = new AsyncLocalStorage<{ readonly place: string; spans: number }>();
  const current = () => {
    const place = places.getStore();
    if (place === undefined) throw new Error('a span was started outside of a turn');
    return place;
  };
  const endings = countEndings();
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'support-agent', 'deployment.environment.name': 'demo' }),
    idGenerator: {
      generateTraceId: () => hexAt(seed, 'trace', current().place).slice(0, 32),
      generateSpanId: () => hexAt(seed, 'span', current().place, ++current().spans).slice(0, 16),
    },
    spanProcessors: [
      endings.processor,
      new BatchSpanProcessor(exporter, { scheduledDelayMillis: 500, maxExportBatchSize: 256, maxQueueSize }),
    ],
  });
  return {
    tracer: provider.getTracer('support-agent', '1.0.0'),
    inPlace: (place, run) => places.run({ place, spans: 0 }, run),
    get ended() {
      return endings.count;
    },
    shutdown: () => provider.shutdown(),
  };
}

function countEndings(): { readonly processor: SpanProcessor; readonly count: number } {
  let count = 0;
  const nothing = async () => {};
  const onEnd = () => {
    count += 1;
  };
  return {
    processor: { onStart: () => {}, onEnd, forceFlush: nothing, shutdown: nothing },
    get count() {
      return count;
    },
  };
}
