// Exports spans with OpenTelemetry's SDK for JavaScript, which the environment alone configures, and prints what must arrive.
import { type Attributes, type Context, ROOT_CONTEXT, type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';

const provider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())] });
const tracer = provider.getTracer('suite');
const exported: object[] = [];

const [root, inRoot] = start('agent', ROOT_CONTEXT, {
  'session.id': 'otel session',
  'user.id': 'otel user',
  text: 'ünï 🗼',
  count: 3,
  ratio: 0.5,
  flag: true,
  list: ['a', 'b'],
});
const [llm] = start('llm', inRoot, {
  'gen_ai.request.model': 'gpt-4o-mini',
  'gen_ai.usage.input_tokens': 100,
  'gen_ai.usage.output_tokens': 50,
});
llm.addEvent('first token', { after_ms: 12 });
llm.end();
const [tool] = start('tool', inRoot, {}, 'ERROR');
tool.setStatus({ code: SpanStatusCode.ERROR, message: 'no such city' });
tool.end();
for (let n = 0; n < 600; n++) start('step', inRoot, { n })[0].end();
root.end();
await provider.forceFlush();
await provider.shutdown();
process.stdout.write(JSON.stringify({ sent: true, spans: exported }));

function start(name: string, parent: Context, attributes: Attributes, status = 'UNSET'): [Span, Context] {
  const span = tracer.startSpan(name, { attributes }, parent);
  const { traceId, spanId } = span.spanContext();
  const parentSpanId = trace.getSpanContext(parent)?.spanId ?? null;
  exported.push({ trace_id: traceId, span_id: spanId, parent_span_id: parentSpanId, name, attributes, status });
  return [span, trace.setSpan(parent, span)];
}
