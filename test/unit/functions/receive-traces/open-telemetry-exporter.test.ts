import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Span, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { expect, test } from 'vitest';
import { decodeTracesData } from '../../../../shared/contracts/otlp/decode-spans.ts';
import { decompressBody } from '../../../../shared/contracts/otlp/decompress.ts';
import { aReceiver } from './a-receiver.ts';

/** The receiver behind a server, as API Gateway would call it. */
async function serve(receiver: ReturnType<typeof aReceiver>, caller?: Record<string, string>) {
  const server = createServer(async (request, response) => {
    const reply = await receiver.handle({
      body: await readAll(request),
      headers: request.headers as Record<string, string>,
      ...(caller && { caller }),
    });
    response.writeHead(reply.statusCode ?? 500, reply.headers as Record<string, string>);
    response.end(Buffer.from(reply.body ?? '', 'base64'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/v1/traces`, [Symbol.asyncDispose]: () => close(server) };
}

function close(server: ReturnType<typeof createServer>): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

async function readAll(request: IncomingMessage): Promise<Uint8Array> {
  return Buffer.concat(await request.toArray());
}

/** Two spans made by the SDK: a root and a failed tool call with an exception. */
function someSpans() {
  const memory = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'agent' }),
    spanProcessors: [new SimpleSpanProcessor(memory)],
  });
  const tracer = provider.getTracer('support-agent', '1.2');
  const end = (span: Span) => span.end(new Date(2));
  const root = tracer.startSpan('invoke_agent', {
    kind: SpanKind.CLIENT,
    startTime: new Date(1),
    attributes: { tokens: 12 },
  });
  root.addLink({ context: { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), traceFlags: 1 } });
  const tool = tracer.startSpan('execute_tool', { attributes: { list: ['a', 'b'], ratio: 0.5, ok: false } });
  tool.recordException(new Error('no such order'));
  tool.setStatus({ code: SpanStatusCode.ERROR, message: 'failed' });
  for (const span of [tool, root]) end(span);
  return memory.getFinishedSpans();
}

function exportTo(url: string, compression: 'gzip' | 'none') {
  const exporter = new OTLPTraceExporter({ url, compression: compression as never, timeoutMillis: 5_000 });
  return new Promise<{ code: number; error?: Error }>((resolve) => exporter.export(someSpans(), resolve));
}

test.each(['gzip', 'none'] as const)(
  "the OpenTelemetry SDK's exporter, compression %s, is understood",
  async (compression) => {
    const receiver = aReceiver();
    await using server = await serve(receiver);
    expect(await exportTo(server.url, compression)).toEqual({ code: 0 });
    const [message] = receiver.sent;
    const body = decompressBody(Buffer.from(message?.body ?? '', 'base64'), message?.encoding ?? 'identity', {
      maxBytes: 1e6,
    });
    const [tool, root] = decodeTracesData(body).map(({ span }) => span);
    expect(root).toMatchObject({
      name: 'invoke_agent',
      kind: 3,
      startTimeUnixNano: 1_000_000n,
      endTimeUnixNano: 2_000_000n,
      attributes: { tokens: 12 },
      links: [{ traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8) }],
      resource: { attributes: { 'service.name': 'agent' } },
      scope: { name: 'support-agent', version: '1.2' },
    });
    expect(tool).toMatchObject({
      name: 'execute_tool',
      attributes: { list: ['a', 'b'], ratio: 0.5, ok: false },
      status: { code: 'ERROR', message: 'failed' },
      events: [{ name: 'exception', attributes: { 'exception.message': 'no such order' } }],
    });
  },
);

test("the OpenTelemetry SDK's exporter is told that its key is refused, and does not repeat", async () => {
  const receiver = aReceiver();
  await using server = await serve(receiver, { decision: 'denied' });
  const result = await exportTo(server.url, 'none');
  expect(result.code).toBe(1);
  expect(receiver.handled).toBe(1);
});
